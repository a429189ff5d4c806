// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// A counter of the kernel that can be polled (eventfd): the bell of those who wait in a poller.
public final class EventCounter: Sendable {
    /// Readable while the count is above 0. Non-blocking and close-on-exec.
    public let descriptor: Descriptor

    /// A new one with the count 0.
    public init() throws(SystemError) {
        descriptor = Descriptor(adopting: try checked(naru_event_counter(), "eventfd", "event counter"))
    }

    /// One that a peer handed over. Its flags are shared with the peer, who can make ``signal()`` block on a full
    /// count: only for peers of the same user.
    public init(adopting descriptor: Descriptor) {
        self.descriptor = descriptor
    }

    /// Adds 1. A full counter stays as it is, since it is readable already.
    public func signal() {
        _ = naru_event_counter_signal(descriptor.number)
    }

    /// Takes the count, which is 0 afterwards. Never blocks.
    @discardableResult
    public func drain() -> UInt64 { naru_event_counter_drain(descriptor.number) }
}
