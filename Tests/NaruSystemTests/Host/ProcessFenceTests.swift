// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2)), .enabled(if: ProcessFence.imposeOnAll(), "the kernel has no membarrier"))
struct ProcessFenceTests {
    /// A word in a cache line of its own.
    private final class Word: Sendable {
        private let before = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        let value = Atomic(0)
        private let after = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    }

    /// Each of two threads stores and then looks at what the other stores; only one of them has a fence, and imposes
    /// it. Without it, both miss each other's store in some rounds.
    @Test func oneFenceServesTwo() throws {
        ProcessFence.register()
        while !ProcessFence.isRegistered { Processor.yield() }
        let (go, mine, theirs, answer) = (Word(), Word(), Word(), Word())
        let rounds = 20_000
        let thread = try SystemThread(name: "fence-test") {
            for round in 1...rounds {
                while go.value.load(ordering: .acquiring) != round {}
                theirs.value.store(round, ordering: .relaxed)
                Processor.compilerFence()
                let seen = mine.value.load(ordering: .relaxed) == round
                answer.value.store(seen ? round : -round, ordering: .releasing)
            }
        }
        var missed = 0
        for round in 1...rounds {
            go.value.store(round, ordering: .releasing)
            // At about the moment at which the other end has heard of it.
            for _ in 0..<round % 24 { Processor.spinHint() }
            mine.value.store(round, ordering: .relaxed)
            _ = ProcessFence.imposeOnAll()
            let seen = theirs.value.load(ordering: .relaxed) == round
            while abs(answer.value.load(ordering: .acquiring)) != round {}
            if !seen, answer.value.load(ordering: .relaxed) < 0 { missed += 1 }
        }
        thread.join()
        #expect(missed == 0)
    }
}
