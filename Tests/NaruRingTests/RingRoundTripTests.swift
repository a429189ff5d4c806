// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

@testable import NaruRing

@Suite struct RingRoundTripTests {
    static let ringBytes = 8192
    static let maximum = RingLayout.maximumRecordBytes(ringBytes: ringBytes)

    @Test(arguments: [0, 1, 7, 8, 9, 15, 16, 63, 64, 65, 127, 128, 129, 2040, 2047, maximum])
    func everySizeComesBack(_ size: Int) throws {
        let pair = try RingPair(ringBytes: Self.ringBytes)
        // Enough rounds to meet the ring's end at many offsets.
        for round in 0..<64 {
            let bytes = pattern(UInt64(round), size)
            #expect(try pair.outbound.trySend(bytes))
            #expect(try pair.receiveAll() == [Received(bytes: bytes)])
        }
    }

    @Test func aRecordAboveTheMaximumIsRefusedAndLeavesNoTrace() throws {
        let pair = try RingPair(ringBytes: Self.ringBytes)
        let tooLarge = [UInt8](repeating: 1, count: Self.maximum + 1)
        #expect(pair.outbound.maximumRecordBytes == Self.maximum)
        #expect(code { try pair.outbound.trySend(tooLarge) } == .messageTooLarge)
        #expect(code { try pair.outbound.lend(Self.maximum + 1) } == .messageTooLarge)
        #expect(code { try pair.outbound.lend(-1) } == .invalidArgument)
        #expect(try pair.receiveAll().isEmpty)
        #expect(try pair.outbound.trySend([1]))
        #expect(try pair.receiveAll() == [Received(bytes: [1])])
    }

    @Test func headersAndPrefixesComeBack() throws {
        let pair = try RingPair()
        let header = RecordHeader(kind: .fragment, flags: [.compressed, .extension], extensionByteCount: 3)
        let prefix: [UInt8] = [9, 8, 7]
        let bytes = pattern(1, 40)
        #expect(try pair.outbound.trySend(bytes, header, prefix: prefix))
        #expect(try pair.outbound.trySend([], header, prefix: prefix))
        #expect(
            try pair.receiveAll() == [
                Received(header: header, bytes: prefix + bytes), Received(header: header, bytes: prefix),
            ])
    }

    @Test(arguments: [
        RecordHeader.Kind.data, .fragment, .abort, .finish,
    ])
    func everyKindButTheRingsOwnPasses(_ kind: RecordHeader.Kind) throws {
        let pair = try RingPair()
        #expect(try pair.outbound.trySend([5], RecordHeader(kind: kind)))
        #expect(try pair.receiveAll() == [Received(header: RecordHeader(kind: kind), bytes: [5])])
    }

    /// Near the bounds of the integers that a position might be mistaken for, the last one where it wraps.
    @Test(arguments: [0, 1 << 16, 1 << 32, 1 << 63, 0] as [UInt64], [true, false])
    func randomRecordsWrapAroundFromAnyPosition(_ near: UInt64, _ inBatches: Bool) throws {
        let pair = try RingPair(startingAt: near &- 4096 * 5 - 40)
        var generator = SeededGenerator(state: near)
        var sent: UInt64 = 0
        var received: UInt64 = 0
        func size(_ sequence: UInt64) -> Int {
            var own = SeededGenerator(state: sequence ^ 77)
            return Int.random(in: 0...1024, using: &own)
        }
        while received < 5000 {
            if inBatches { pair.outbound.hold() }
            for _ in 0..<Int.random(in: 1...20, using: &generator) {
                guard try pair.outbound.trySend(pattern(sent, size(sent))) else { break }
                sent += 1
            }
            if inBatches { try pair.outbound.publish() }
            for record in try pair.inbound.receive(Int.random(in: 1...12, using: &generator)) {
                #expect(record.bytes == pattern(received, size(received)))
                received += 1
            }
        }
        received += UInt64(try pair.receiveAll().count)
        #expect(received == sent)
    }

    /// The payload of a large record begins on a cache line, whatever came before it; the ring is read as if nothing
    /// had.
    @Test(arguments: [0, 1, 8, 9, 40, 56, 57, 200]) func largeRecordsAreAligned(_ before: Int) throws {
        let pair = try RingPair(ringBytes: 65_536)
        var unaligned = 0
        for round in 0..<200 {
            let small = pattern(UInt64(round), before)
            let large = pattern(UInt64(round) + 1_000, 1024 + round)
            #expect(try pair.outbound.trySend(small))
            #expect(try pair.outbound.trySend(large))
            var addresses: [Int] = []
            var seen: [[UInt8]] = []
            _ = try pair.inbound.drain(2) { record in
                addresses.append(unsafe record.bytes.withUnsafeBytes { Int(bitPattern: $0.baseAddress) })
                seen.append([UInt8](copying: record.bytes))
                return .take
            }
            #expect(seen == [small, large])
            if let address = addresses.last, address % 64 != 0 { unaligned += 1 }
        }
        // But for those at the ring's two ends: two in a lap of some 40.
        #expect(unaligned <= 12)
    }

    /// Only the first of large records needs padding: each takes whole lines, one more than its payload.
    @Test func largeRecordsFollowEachOtherWithoutPadding() throws {
        let pair = try RingPair(ringBytes: 65_536)
        for size in [1024, 1025, 2040, 2048] { #expect(try pair.outbound.trySend(pattern(9, size))) }
        var addresses: [Int] = []
        _ = try pair.inbound.drain(4) { record in
            addresses.append(unsafe record.bytes.withUnsafeBytes { Int(bitPattern: $0.baseAddress) })
            return .take
        }
        // A drain gives no padding, so a record that padding precedes would begin later.
        #expect(zip(addresses, addresses.dropFirst()).map { $1 - $0 } == [1088, 1088, 2048])
        #expect(addresses.allSatisfy { $0 % 64 == 0 })
    }

    @Test func aFullRingRefusesAndGivesRoomBack() throws {
        let pair = try RingPair()
        let bytes = pattern(3, 56)
        var count = 0
        while try pair.outbound.trySend(bytes) { count += 1 }
        // Each takes 64 bytes, and 8 bytes stay free for the header word after the last.
        #expect(count == 4096 / 64 - 1)
        #expect(try !pair.outbound.trySend(bytes))
        #expect(try pair.outbound.lend(56) == nil)
        // Room comes back a sixteenth of the ring at a time.
        #expect(try pair.inbound.receive(4).count == 4)
        for _ in 0..<4 { #expect(try pair.outbound.trySend(bytes)) }
        #expect(try !pair.outbound.trySend(bytes))
        // Or when the reader is about to wait.
        #expect(try pair.inbound.receive(1).count == 1)
        #expect(try !pair.outbound.trySend(bytes))
        _ = try pair.inbound.arm(.task)
        pair.inbound.disarm()
        #expect(try pair.outbound.trySend(bytes))
        #expect(try pair.receiveAll() == [Received](repeating: Received(bytes: bytes), count: count))
        #expect(try pair.receiveAll().isEmpty)
    }

    @Test func aRecordOfTheMaximumFitsAnEmptyRingAtEveryOffset() throws {
        let maximum = RingLayout.maximumRecordBytes(ringBytes: 4096)
        for offset in stride(from: UInt64(0), to: 4096, by: 8) {
            let pair = try RingPair(startingAt: offset)
            let bytes = pattern(offset, maximum)
            #expect(try pair.outbound.trySend(bytes))
            #expect(try pair.receiveAll() == [Received(bytes: bytes)])
        }
    }

    @Test func aRecordThatIsLeftComesAgain() throws {
        let pair = try RingPair()
        for byte in 1...3 as ClosedRange<UInt8> { #expect(try pair.outbound.trySend([byte])) }
        var seen: [UInt8] = []
        let answers: [DrainStep] = [.take, .leaveAndStop, .takeAndStop, .take]
        func drain() throws -> Int {
            try pair.inbound.drain(10_000) { record in
                seen += [UInt8](copying: record.bytes)
                return answers[seen.count - 1]
            }
        }
        #expect(try drain() == 1)
        #expect(try drain() == 1)
        #expect(try drain() == 1)
        #expect(try drain() == 0)
        #expect(seen == [1, 2, 2, 3])
    }

    @Test func aDrainOfNothingTakesNothing() throws {
        let pair = try RingPair()
        #expect(try pair.outbound.trySend([1]))
        #expect(try pair.inbound.receive(0).isEmpty)
        #expect(try pair.inbound.receive(-1).isEmpty)
        #expect(try pair.inbound.receive(1).count == 1)
    }
}
