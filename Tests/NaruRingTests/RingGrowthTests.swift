// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Synchronization
import Testing

@testable import NaruRing

/// A ring that may grow, whose offers a test answers.
private final class GrowingPair {
    let successors = RingSuccessors()
    let growth: RingGrowth
    let outbound: RingOutboundLane
    let inbound: RingInboundLane

    private final class Box: Sendable {
        let offers = Mutex<[(ringBytes: Int, number: UInt64, memory: RingMemory)]>([])
    }
    private let box = Box()

    init(ringBytes: Int = 4096, maximum: Int = 1 << 20, fails: Bool = false) throws {
        let memory = try makeRingMemory(ringBytes: ringBytes)
        let box = box
        growth = RingGrowth(maximumRingBytes: maximum) { ringBytes, number throws(NaruError) in
            if fails { throw NaruError(.resourceExhausted, operation: "offer", object: "ring", reason: "a test") }
            guard let memory = try? makeRingMemory(ringBytes: ringBytes) else {
                throw NaruError(.resourceExhausted, operation: "offer", object: "ring", reason: "no memory")
            }
            box.offers.withLock { $0.append((ringBytes, number, memory)) }
            return memory
        }
        outbound = RingOutboundLane(memory, name: "test", peerBell: CountingBell(), growth: growth)
        inbound = RingInboundLane(memory, name: "test", peerBell: CountingBell(), successors: successors)
    }

    var offered: [(ringBytes: Int, number: UInt64, memory: RingMemory)] { box.offers.withLock { $0 } }

    /// Answers the last offer as a reader that has mapped it.
    func accept() throws {
        let last = try #require(offered.last)
        #expect(try successors.keep(last.memory, last.number))
        growth.answered(last.number, accepted: true)
    }

    /// Sends records of 64 bytes until there is no room; returns how many went.
    func fill(_ sent: inout UInt64) throws {
        while try outbound.trySend(pattern(sent, 64)) { sent += 1 }
    }

    /// Takes everything and checks that it is what comes next.
    func drain(_ taken: inout UInt64) throws {
        for record in try inbound.receive(100_000) {
            #expect(record.bytes == pattern(taken, 64))
            taken += 1
        }
    }
}

@Suite struct RingGrowthTests {
    @Test func recordsGoOnInTheLargerRingInOrder() throws {
        let pair = try GrowingPair()
        var sent: UInt64 = 0
        var taken: UInt64 = 0
        pair.outbound.expect(20_000)
        let offer = try #require(pair.offered.first)
        #expect(offer.ringBytes == 131_072)
        // The old ring serves until the reader has the new one.
        try pair.fill(&sent)
        try pair.drain(&taken)
        #expect(taken == sent)
        try pair.accept()
        for _ in 0..<50 {
            try pair.fill(&sent)
            try pair.drain(&taken)
        }
        #expect(taken == sent)
        #expect(pair.outbound.maximumRecordBytes == 32_768)
        // A record that the old ring could not have carried.
        #expect(try pair.outbound.trySend(pattern(1, 30_000)))
        #expect(try pair.inbound.receive(1) == [Received(bytes: pattern(1, 30_000))])
    }

    @Test func aBatchGoesOnAcrossTheSwitch() throws {
        let pair = try GrowingPair()
        var sent: UInt64 = 0
        var taken: UInt64 = 0
        pair.outbound.expect(4_000)
        try pair.accept()
        try pair.fill(&sent)
        try pair.drain(&taken)
        pair.outbound.hold()
        for _ in 0..<20 where try pair.outbound.trySend(pattern(sent, 64)) { sent += 1 }
        try pair.fill(&sent)
        try pair.drain(&taken)
        try pair.fill(&sent)
        try pair.outbound.publish()
        try pair.drain(&taken)
        #expect(taken == sent)
    }

    @Test func aDeclinedOfferEndsTheGrowth() throws {
        let pair = try GrowingPair()
        var sent: UInt64 = 0
        var taken: UInt64 = 0
        pair.outbound.expect(4_000)
        pair.growth.answered(1, accepted: false)
        for _ in 0..<20 {
            try pair.fill(&sent)
            try pair.drain(&taken)
        }
        pair.outbound.expect(4_000)
        #expect(pair.offered.count == 1)
        #expect(taken == sent)
    }

    @Test func withoutMemoryTheRingStaysAsItIs() throws {
        let pair = try GrowingPair(fails: true)
        var sent: UInt64 = 0
        var taken: UInt64 = 0
        pair.outbound.expect(4_000)
        for _ in 0..<20 {
            try pair.fill(&sent)
            try pair.drain(&taken)
        }
        #expect(taken == sent)
        #expect(pair.outbound.maximumRecordBytes == 1024)
    }

    @Test func aFullRingWithMuchTrafficGrows() throws {
        let pair = try GrowingPair(ringBytes: 65_536)
        var sent: UInt64 = 0
        var taken: UInt64 = 0
        let message = [UInt8](repeating: 7, count: 8_000)
        // Lap after lap at the speed of memory: far above what is worth a larger ring.
        for _ in 0..<4_000 where pair.offered.isEmpty {
            while try pair.outbound.trySend(message) { sent += 1 }
            taken += UInt64(try pair.inbound.drain(1_000) { _ in .take })
        }
        #expect(pair.offered.first?.ringBytes == 524_288)
        #expect(taken == sent)
    }

    @Test func aSwitchToARingThatWasNeverOfferedIsAViolation() throws {
        let pair = try RingPair()
        #expect(try pair.outbound.trySend([1, 0, 0, 0, 0, 0, 0, 0], RecordHeader(kind: .switch)))
        #expect(code { try pair.receiveAll() } == .protocolViolation)
        #expect(code { try pair.receiveAll() } == .protocolViolation)
    }

    @Test func theWriterMaySwitchTwiceBeforeTheReaderComesToTheFirst() throws {
        let pair = try GrowingPair()
        var sent: UInt64 = 0
        var taken: UInt64 = 0
        for size in [3_000, 20_000, 60_000] {
            pair.outbound.expect(size)
            try pair.accept()
            try pair.fill(&sent)
            // Room for a switch record, and no more of the reader.
            for record in try pair.inbound.receive(8) {
                #expect(record.bytes == pattern(taken, 64))
                taken += 1
            }
            try pair.fill(&sent)
        }
        #expect(pair.offered.count == 3)
        for _ in 0..<4 {
            try pair.drain(&taken)
            try pair.fill(&sent)
        }
        try pair.drain(&taken)
        #expect(taken == sent)
    }

    @Test func offersThatNeverEndAreAViolation() throws {
        let successors = RingSuccessors()
        for step in 0..<RingSuccessors.limit {
            #expect(try successors.keep(try makeRingMemory(ringBytes: 4096 << step), UInt64(step)))
        }
        let memory = try makeRingMemory(ringBytes: 1 << 20)
        #expect(code { try successors.keep(memory, 9) } == .protocolViolation)
    }

    @Test func anOfferThatIsNoLargerIsAViolation() throws {
        let successors = RingSuccessors()
        #expect(try successors.keep(try makeRingMemory(ringBytes: 8192), 1))
        let memory = try makeRingMemory(ringBytes: 8192)
        #expect(code { try successors.keep(memory, 2) } == .protocolViolation)
        // Nor once the first is in use: a link has few rings in its whole life.
        #expect(successors.take(1) != nil)
        #expect(code { try successors.keep(memory, 2) } == .protocolViolation)
    }

    @Test func anOfferAfterADeclinedOneIsAViolation() throws {
        let successors = RingSuccessors()
        try successors.decline()
        #expect(code { try successors.decline() } == .protocolViolation)
        let memory = try makeRingMemory(ringBytes: 8192)
        #expect(code { try successors.keep(memory, 2) } == .protocolViolation)
    }

    @Test func aRingThatIsNoLargerThanOneThatWasTakenIsAViolation() throws {
        let successors = RingSuccessors()
        #expect(try successors.keep(try makeRingMemory(ringBytes: 8192), 1))
        #expect(successors.take(1) != nil)
        let memory = try makeRingMemory(ringBytes: 8192)
        #expect(code { try successors.keep(memory, 2) } == .protocolViolation)
    }

    @Test func anOfferIsAnsweredOnce() throws {
        let pair = try GrowingPair()
        #expect(!pair.growth.answered(0, accepted: true))
        #expect(!pair.growth.answered(1, accepted: true))
        pair.outbound.expect(4_000)
        let number = try #require(pair.offered.last).number
        #expect(!pair.growth.answered(number + 1, accepted: true))
        #expect(pair.growth.answered(number, accepted: false))
        #expect(!pair.growth.answered(number, accepted: false))
        #expect(!pair.growth.answered(number, accepted: true))
    }
}
