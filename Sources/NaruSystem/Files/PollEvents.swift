// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What a descriptor is waited for, or has.
public struct PollEvents: OptionSet, Sendable, Hashable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    // The numbers of poll(2) and epoll(7), which agree.

    /// Something can be read, a peer waits to be accepted, or the end of the file is reached.
    public static let readable = PollEvents(rawValue: 0x1)
    /// Something can be written.
    public static let writable = PollEvents(rawValue: 0x4)
    /// An error is pending. Always told, asked for or not.
    public static let error = PollEvents(rawValue: 0x8)
    /// The peer is gone; what it sent before may still be there. Always told, asked for or not.
    public static let hangUp = PollEvents(rawValue: 0x10)

    static let all: PollEvents = [.readable, .writable, .error, .hangUp]
}
