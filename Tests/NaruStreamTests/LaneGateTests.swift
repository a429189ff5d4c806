// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Synchronization
import Testing

@testable import NaruStream

@Suite struct LaneGateTests {
    /// Counts what was done inside a gate, without atomics of its own.
    // Only touched inside the gate: that is what the test shows.
    final class Guarded: @unchecked Sendable {
        let gate = LaneGate()
        let isOver = Atomic<Bool>(false)
        var count = 0
        var byFlushers = 0
    }

    @Test func oneIsInsideAtATimeAndNobodySleepsForEver() throws {
        let guarded = Guarded()
        let flushers = try (0..<2).map { _ in
            try SystemThread(name: "flusher") {
                while !guarded.isOver.load(ordering: .relaxed) {
                    guard guarded.gate.tryEnter() else { continue }
                    // Stays a while, so that the sender comes to sleep.
                    for _ in 0..<200 { guarded.count += 1 }
                    guarded.byFlushers += 200
                    guarded.gate.flusherLeaves()
                }
            }
        }
        let rounds = 100_000
        for _ in 0..<rounds {
            guarded.gate.enter()
            guarded.count += 1
            guarded.gate.leave()
        }
        guarded.isOver.store(true, ordering: .relaxed)
        for flusher in flushers { flusher.join() }
        #expect(guarded.count == rounds + guarded.byFlushers)
    }

    @Test func aFlusherDoesNotComeInWhileTheSenderIsInside() {
        let gate = LaneGate()
        func flusherEnters() -> Bool { gate.tryEnter() }
        gate.enter()
        #expect(!flusherEnters())
        gate.leave()
        #expect(flusherEnters())
        #expect(!flusherEnters())
        gate.flusherLeaves()
        #expect(flusherEnters())
        gate.flusherLeaves()
    }
}
