// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

@testable import NaruRing

@Suite struct RingBatchAndLoanTests {
    @Test func nothingOfABatchIsVisibleBeforeItIsPublished() throws {
        let pair = try RingPair(ringBytes: 65536)
        #expect(try pair.outbound.trySend([0]))
        pair.outbound.hold()
        for byte in 1...20 as ClosedRange<UInt8> { #expect(try pair.outbound.trySend([byte])) }
        #expect(try pair.receiveAll() == [Received(bytes: [0])])
        #expect(try pair.receiveAll().isEmpty)
        try pair.outbound.publish()
        #expect(try pair.receiveAll().map(\.bytes) == (1...20).map { [$0] })
    }

    @Test func anEmptyBatchShowsNothing() throws {
        let pair = try RingPair()
        pair.outbound.hold()
        try pair.outbound.publish()
        try pair.outbound.publish()
        #expect(try pair.receiveAll().isEmpty)
        #expect(try pair.outbound.trySend([1]))
        #expect(try pair.receiveAll() == [Received(bytes: [1])])
    }

    @Test func aFlushShowsWhatABatchHasSoFar() throws {
        let pair = try RingPair()
        pair.outbound.hold()
        #expect(try pair.outbound.trySend([1]))
        #expect(try pair.outbound.flush())
        #expect(try pair.receiveAll() == [Received(bytes: [1])])
        #expect(try pair.outbound.trySend([2]))
        #expect(try pair.receiveAll().isEmpty)
        try pair.outbound.publish()
        #expect(try pair.receiveAll() == [Received(bytes: [2])])
    }

    @Test func aBatchLargerThanTheRingShowsItselfWhenItRunsOutOfRoom() throws {
        let pair = try RingPair()
        pair.outbound.hold()
        var sent = 0
        var received = 0
        while sent < 1000 {
            if try pair.outbound.trySend(pattern(UInt64(sent), 100)) {
                sent += 1
            } else {
                let got = try pair.receiveAll()
                #expect(!got.isEmpty)
                for record in got {
                    #expect(record.bytes == pattern(UInt64(received), 100))
                    received += 1
                }
            }
        }
        try pair.outbound.publish()
        received += try pair.receiveAll().count
        #expect(received == 1000)
    }

    /// A room takes a large record only where its bytes begin on a cache line, and no more than fit before a batch is
    /// due.
    @Test func largeRecordsAreWrittenIntoTheRoom() throws {
        let pair = try RingPair(ringBytes: 262_144)
        pair.outbound.hold()
        var sent = [pattern(0, 1024)]
        #expect(try pair.outbound.trySend(sent[0]))
        var room = pair.outbound.borrowRoom()
        // 8 bytes take 16, so that what follows begins 16 behind a line; 40 bytes take the other 48.
        for (size, fits) in [
            (1024, true), (4096, true), (1033, true), (8, true), (1024, false), (40, true), (1024, true),
        ] {
            let bytes = pattern(UInt64(sent.count), size)
            let message = OwnedMessage(bytes)
            #expect(room.append(message.bytes) == fits, "\(size) bytes behind \(sent.count) records")
            if fits { sent.append(bytes) }
        }
        let (bytes, message) = (pattern(9, 2000), OwnedMessage(pattern(9, 2000)))
        while room.append(message.bytes) { sent.append(bytes) }
        #expect(room.usedByteCount > 262_144 / 8 - 3 * 2048)
        pair.outbound.useRoom(room.usedByteCount)
        #expect(try pair.receiveAll().isEmpty)
        try pair.outbound.publish()
        #expect(try pair.receiveAll().map(\.bytes) == sent)
    }

    @Test func aLoanIsWrittenInPlace() throws {
        let pair = try RingPair()
        for size in [0, 1, 8, 100, 1024] {
            let bytes = pattern(UInt64(size), size)
            let room = try #require(try pair.outbound.lend(size))
            #expect(room.byteCount == size)
            #expect(room.isAligned)
            room.fill(bytes)
            #expect(try pair.receiveAll().isEmpty)
            try pair.outbound.commit(RecordHeader(), byteCount: size)
            #expect(try pair.receiveAll() == [Received(bytes: bytes)])
        }
    }

    @Test func aLoanMayBecomeAShorterRecord() throws {
        let pair = try RingPair()
        for round in 0..<100 {
            let bytes = pattern(UInt64(round), round * 3)
            let room = try #require(try pair.outbound.lend(1000))
            room.fill(repeating: 0xFF)
            room.fill(bytes)
            try pair.outbound.commit(RecordHeader(), byteCount: bytes.count)
            #expect(try pair.receiveAll() == [Received(bytes: bytes)])
        }
    }

    @Test(arguments: [true, false]) func anAbortedLoanLeavesNoTrace(_ inBatch: Bool) throws {
        let pair = try RingPair()
        pair.outbound.abort()
        for round in 0..<200 as Range<UInt8> {
            if inBatch { pair.outbound.hold() }
            let room = try #require(try pair.outbound.lend(1000))
            // What would be records, were it not aborted.
            room.fill(repeating: 1)
            pair.outbound.abort()
            if inBatch { try pair.outbound.publish() }
            #expect(try pair.receiveAll().isEmpty)
            #expect(try pair.outbound.trySend([round, round]))
            if inBatch { try pair.outbound.publish() }
            #expect(try pair.receiveAll() == [Received(bytes: [round, round])])
        }
    }

    @Test func oneLoanAtATime() throws {
        let pair = try RingPair()
        #expect(code { try pair.outbound.commit(RecordHeader(), byteCount: 0) } == .invalidArgument)
        _ = try pair.outbound.lend(10)
        #expect(code { try pair.outbound.lend(10) } == .invalidArgument)
        #expect(code { try pair.outbound.trySend([1]) } == .invalidArgument)
        #expect(code { try pair.outbound.arm(.task, byteCount: 1) } == .invalidArgument)
        #expect(code { try pair.outbound.commit(RecordHeader(), byteCount: 11) } == .invalidArgument)
        #expect(code { try pair.outbound.commit(RecordHeader(), byteCount: -1) } == .invalidArgument)
        try pair.outbound.commit(RecordHeader(), byteCount: 10)
        #expect(try pair.receiveAll().count == 1)
    }

    @Test func loansAndCopiesMixInABatch() throws {
        let pair = try RingPair()
        for round in 0..<300 {
            pair.outbound.hold()
            let first = pattern(UInt64(round), round % 200)
            let second = pattern(UInt64(round + 1), 900)
            #expect(try pair.outbound.trySend(first))
            let room = try #require(try pair.outbound.lend(900))
            room.fill(second)
            try pair.outbound.commit(RecordHeader(), byteCount: 900)
            try pair.outbound.publish()
            #expect(try pair.receiveAll() == [Received(bytes: first), Received(bytes: second)])
        }
    }
}
