// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// What a descriptor of a ``Poller`` has.
public struct PollEvent: Sendable, Hashable {
    /// The number it was added with.
    public let token: UInt64
    /// What it has.
    public let events: PollEvents

    /// An event.
    public init(token: UInt64, events: PollEvents) {
        self.token = token
        self.events = events
    }
}

/// Waits for many descriptors at once (epoll). All calls are safe from any thread.
public final class Poller: Sendable {
    private let descriptor: Descriptor

    /// A poller of nothing.
    public init() throws(SystemError) {
        descriptor = Descriptor(adopting: try checked(naru_poller(), "epoll_create1", "poller"))
    }

    /// Adds a descriptor; hang-ups and errors are told in any case.
    ///
    /// With `edge` it is told once per change, with `oneShot` once until ``modify(_:token:events:edge:oneShot:)``,
    /// otherwise as long as it lasts. Throws `EEXIST` when it is there already, `EPERM` for regular files, `ENOSPC`
    /// above the user's limit of watches. Remove it before it is closed.
    public func add(
        _ descriptor: Descriptor, token: UInt64, events: PollEvents, edge: Bool = false, oneShot: Bool = false
    ) throws(SystemError) {
        try control(0, descriptor, token, events, edge, oneShot)
    }

    /// Changes what is waited for, and arms a one-shot descriptor again. `ENOENT` when it is not there.
    public func modify(
        _ descriptor: Descriptor, token: UInt64, events: PollEvents, edge: Bool = false, oneShot: Bool = false
    ) throws(SystemError) {
        try control(1, descriptor, token, events, edge, oneShot)
    }

    /// Removes a descriptor; nothing happens when it is not there. An event already found may still be told.
    public func remove(_ descriptor: Descriptor) {
        _ = naru_poller_control(self.descriptor.number, 2, descriptor.number, 0, 0, 0, 0)
    }

    /// Blocks until a descriptor has something or the deadline comes, puts the events, at most 64, in place of what
    /// `events` holds, and returns their number.
    public func wait(into events: inout [PollEvent], deadline: Deadline) throws(SystemError) -> Int {
        let capacity = Int(NARU_POLLER_BATCH)
        events.removeAll(keepingCapacity: true)
        // Safe: the callee writes as many events as it returns, at most the capacity it is told.
        let count = unsafe withUnsafeTemporaryAllocation(of: naru_poll_event.self, capacity: capacity) { buffer in
            guard let base = buffer.baseAddress else { return Int32(0) }
            let count = unsafe naru_poller_wait(descriptor.number, base, Int32(capacity), deadline.nanoseconds)
            for index in 0..<Int(max(0, count)) {
                let found = unsafe buffer[index]
                let kinds = PollEvents(rawValue: found.events).intersection(.all)
                events.append(PollEvent(token: found.token, events: kinds))
            }
            return count
        }
        return Int(try checked(count, "epoll_wait", descriptor.name))
    }

    private func control(
        _ operation: Int32, _ target: Descriptor, _ token: UInt64, _ events: PollEvents, _ edge: Bool, _ oneShot: Bool
    ) throws(SystemError) {
        let result = naru_poller_control(
            descriptor.number, operation, target.number, token, events.rawValue, edge ? 1 : 0, oneShot ? 1 : 0)
        try checked(result, "epoll_ctl", target.name)
    }
}
