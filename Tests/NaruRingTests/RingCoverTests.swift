// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Synchronization
import Testing

@testable import NaruRing

/// A reader that covers for its writer, see `ArmedWord`.
@Suite(.timeLimit(.minutes(5)), .enabled(if: ProcessFence.imposeOnAll(), "the kernel has no membarrier"))
struct RingCoverTests {
    private static func register() {
        ProcessFence.register()
        while !ProcessFence.isRegistered { Processor.yield() }
    }

    /// Sends and receives once round the ring, after which the writer has told that its process is registered.
    private static func circle(_ pair: RingPair) throws {
        for _ in 0..<3 {
            while try pair.outbound.trySend([UInt8](repeating: 1, count: 100)) {}
            _ = try pair.receiveAll()
        }
    }

    private static func find(_ pair: RingPair, _ count: Int) throws {
        for _ in 0..<count {
            try #require(try pair.outbound.trySend([1]))
            #expect(pair.inbound.spin(1) == .found)
            #expect(try pair.receiveAll().count == 1)
        }
    }

    @Test func aReaderThatDoesNotSleepCovers() throws {
        Self.register()
        let pair = try RingPair()
        try Self.circle(pair)
        try Self.find(pair, 10)
        #expect(!pair.memory.readerArmed.covers)
        try Self.find(pair, 300)
        #expect(pair.memory.readerArmed.covers)
        _ = try pair.inbound.arm(.thread)
        #expect(!pair.memory.readerArmed.covers)
        pair.inbound.disarm()
        // From the beginning again.
        try Self.find(pair, 10)
        #expect(!pair.memory.readerArmed.covers)
    }

    @Test func nobodyCoversForAProcessThatIsNotKnownToBeRegistered() throws {
        let pair = try RingPair(ringBytes: 65536)
        try Self.find(pair, 300)
        #expect(!pair.memory.readerArmed.covers)
    }

    /// Bursts by which the reader comes to cover, then single messages that meet it as it falls asleep.
    @Test func aCoveringReaderMissesNoWakeUp() throws {
        Self.register()
        let there = try RingPair()
        let back = try RingPair()
        try Self.circle(there)
        let (rounds, burst, singles) = (300, 700, 5)
        let far = Handover((there.outbound, back.inbound))
        let near = Handover((there.inbound, back.outbound))
        let covers = Handover(there.memory.readerArmed)
        // Bursts in which the reader never slept, and which should have made it cover, but did not.
        let uncovered = Atomic(0)
        try RingThreadTests.beside {
            Self.moveTo(core: 1)
            var generator = SeededGenerator(state: 7)
            for _ in 0..<rounds {
                for _ in 0..<burst { try RingThreadTests.sendWaiting([1], far.value.0) }
                for _ in 0..<singles {
                    _ = try RingThreadTests.receiveWaiting(far.value.1, 1, arming: false) { _ in }
                    for _ in 0..<generator.next() % 3000 { Processor.spinHint() }
                    try RingThreadTests.sendWaiting([2], far.value.0)
                }
            }
        } _: {
            try RingThreadTests.beside {
                Self.moveTo(core: 0)
                for _ in 0..<rounds {
                    if try Self.takeBurst(burst, near.value.0), !covers.value.covers {
                        uncovered.add(1, ordering: .relaxed)
                    }
                    for _ in 0..<singles {
                        try RingThreadTests.sendWaiting([0], near.value.1)
                        // Falls asleep at about the moment at which the message comes.
                        _ = try RingThreadTests.receiveWaiting(near.value.0, 1, arming: true) { _ in }
                    }
                }
            } _: {
            }
        }
        #expect(uncovered.load(ordering: .relaxed) == 0)
    }

    /// Apart from the other end, whose core no spinning may take; where the host has no such core, both take turns.
    private static func moveTo(core: Int) { try? Processor.pin(to: core) }

    /// Takes so many records, one by one. Whether it never slept meanwhile.
    private static func takeBurst(_ burst: Int, _ lane: RingInboundLane) throws -> Bool {
        var received = 0
        var isAwake = true
        while received < burst {
            if lane.spin(1_000_000) != .found {
                try RingThreadTests.sleep(lane.arm(.thread))
                lane.disarm()
                isAwake = false
            }
            received += try lane.receive(1).count
        }
        return isAwake
    }
}
