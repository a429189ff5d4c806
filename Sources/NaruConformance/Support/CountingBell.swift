// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// A bell that a thread can wait for.
final class CountingBell: Bell {
    private let counter: EventCounter

    init() throws {
        counter = try EventCounter()
    }

    func ring() {
        counter.signal()
    }

    /// Forgets what has rung.
    func silence() {
        counter.drain()
    }

    /// Blocks until it rings, or has rung since the last wait; `false` when it does not before the deadline.
    func wait(until deadline: Deadline) throws -> Bool {
        let events = try counter.descriptor.poll(.readable, deadline: deadline)
        counter.drain()
        return !events.isEmpty
    }
}
