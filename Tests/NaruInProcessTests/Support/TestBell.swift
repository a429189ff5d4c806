// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Synchronization

/// A bell that counts and that a thread can wait for.
final class TestBell: Bell {
    private let counter: EventCounter
    private let rings = Atomic<Int>(0)

    init() throws {
        counter = try EventCounter()
    }

    func ring() {
        rings.add(1, ordering: .sequentiallyConsistent)
        counter.signal()
    }

    /// How often it rang.
    var count: Int { rings.load(ordering: .sequentiallyConsistent) }

    /// Blocks until it rings, or has rung since the last wait; `false` when it does not for half a minute.
    func wait() throws -> Bool {
        let events = try counter.descriptor.poll(.readable, deadline: .after(.seconds(30)))
        counter.drain()
        return !events.isEmpty
    }
}
