// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

extension Descriptor {
    /// Blocks until the descriptor has one of `events`, an error or a hang-up; empty when `deadline` came first.
    public func poll(_ events: PollEvents, deadline: Deadline) throws(SystemError) -> PollEvents {
        try Descriptor.pollAny(self, events, nil, [], deadline: deadline).0
    }

    /// What the descriptor has of `events` now. Does not block.
    public func pollOnce(_ events: PollEvents) throws(SystemError) -> PollEvents {
        try poll(events, deadline: Deadline(nanoseconds: 0))
    }

    /// Blocks until one of two descriptors has one of its events; both empty when `deadline` came first.
    public static func pollAny(
        _ a: Descriptor, _ eventsA: PollEvents, _ b: Descriptor?, _ eventsB: PollEvents, deadline: Deadline
    ) throws(SystemError) -> (PollEvents, PollEvents) {
        // The kernel passes over negative numbers, so a closed one must be refused here.
        let first = a.number
        let second = b?.number ?? -1
        if first < 0 { throw failure(SystemErrno.badDescriptor, "ppoll", a.name) }
        if let b, second < 0 { throw failure(SystemErrno.badDescriptor, "ppoll", b.name) }
        var foundA = Int16(truncatingIfNeeded: eventsA.rawValue)
        var foundB = Int16(truncatingIfNeeded: eventsB.rawValue)
        // Safe: the callee writes to the two locals only.
        let result = unsafe naru_poll_two(first, &foundA, second, &foundB, deadline.nanoseconds)
        try checked(result, "ppoll", a.name)
        return (try events(foundA, a), try events(foundB, b ?? a))
    }

    private static func events(_ found: Int16, _ descriptor: Descriptor) throws(SystemError) -> PollEvents {
        // POLLNVAL: someone closed the number behind this object's back.
        if found & 0x20 != 0 { throw failure(SystemErrno.badDescriptor, "ppoll", descriptor.name) }
        return PollEvents(rawValue: UInt32(UInt16(bitPattern: found))).intersection(.all)
    }
}
