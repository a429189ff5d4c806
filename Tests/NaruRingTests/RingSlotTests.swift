// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

@testable import NaruRing

/// Records that a ring cannot carry and that lie in slots.
@Suite struct RingSlotTests {
    /// Around what the ring carries, around each size of slots.
    @Test(arguments: [1023, 1024, 1025, 1 << 22, 1 << 23, 1 << 24], [-1, 0, 1])
    func sizesAtEveryThreshold(_ size: Int, _ difference: Int) throws {
        let byteCount = size + difference
        let pair = try SlotPair()
        let bytes = large(3, byteCount)
        guard byteCount > 1024 else {
            #expect(try pair.outbound.trySend(bytes))
            #expect(try pair.inbound.receive(9) == [Received(bytes: bytes)])
            #expect(pair.requests == 0)
            return
        }
        #expect(code { try pair.outbound.trySend(bytes) } == .messageTooLarge)
        pair.outbound.expect(byteCount)
        guard byteCount <= 1 << 24 else {
            // Above the largest slot: fragments.
            #expect(pair.offered.isEmpty)
            #expect(pair.outbound.maximumRecordBytes == 1024)
            return
        }
        try pair.accept()
        let slot = try #require(pair.offered.first).memory
        #expect(slot.byteCount == RingSlotLayout.slotBytes.first { $0 >= byteCount })
        #expect(pair.outbound.maximumRecordBytes == slot.byteCount)
        #expect(pair.outbound.fragmentRecordBytes == 1024)
        let header = RecordHeader(flags: [.compressed], extensionByteCount: 2)
        #expect(try pair.outbound.trySend(Array(bytes.dropFirst(5)), header, prefix: Array(bytes.prefix(5))))
        #expect(try pair.inbound.receive(9) == [Received(header: header, bytes: bytes)])
        // Nothing but the reference went through the ring.
        #expect(try pair.outbound.trySend(bytes))
        #expect(try pair.inbound.receive(9) == [Received(bytes: bytes)])
        #expect(pair.requests == 1)
    }

    @Test func oneRecordMoreThanTheLargestSlotIsTooLarge() throws {
        let pair = try SlotPair()
        try pair.open(1 << 24)
        #expect(code { try pair.outbound.trySend(large(1, 1 << 24 + 1)) } == .messageTooLarge)
        #expect(code { try pair.outbound.lend(1 << 24 + 1) } == .messageTooLarge)
        #expect(code { try pair.outbound.arm(.thread, byteCount: 1 << 24 + 1) } == .messageTooLarge)
    }

    @Test func recordsInSlotsAndInTheRingKeepTheirOrder() throws {
        let pair = try SlotPair()
        try pair.open(5000)
        var sent: [[UInt8]] = []
        var taken: [[UInt8]] = []
        for step in 0..<200 {
            let bytes = large(UInt8(step), step % 3 == 0 ? 5000 + step : 8 * (step % 30))
            while try !pair.outbound.trySend(bytes) {
                taken += try pair.inbound.receive(1).map(\.bytes)
            }
            sent.append(bytes)
        }
        taken += try pair.inbound.receive(1000).map(\.bytes)
        #expect(taken == sent)
    }

    @Test func aLoanLiesInTheSlotAndSoDoesTheReadersView() throws {
        let pair = try SlotPair()
        try pair.open(100_000)
        let loan = try #require(try pair.outbound.lend(100_000))
        #expect(loan.byteCount == 100_000)
        #expect(loan.isAligned)
        #expect(code { try pair.outbound.trySend([1]) } == .invalidArgument)
        #expect(code { try pair.outbound.trySend(large(1, 100_000)) } == .invalidArgument)
        #expect(code { try pair.outbound.commit(RecordHeader(), byteCount: 100_001) } == .invalidArgument)
        loan.fill(large(9, 100_000))
        try pair.outbound.commit(RecordHeader(), byteCount: 99_999)
        let base = try #require(pair.offered.first).memory
        var isInSlot = false
        var bytes: [UInt8] = []
        _ = try pair.inbound.drain(1) { record in
            unsafe record.bytes.withUnsafeBytes {
                isInSlot = unsafe $0.baseAddress == UnsafeRawPointer(base.base)
            }
            bytes = [UInt8](copying: record.bytes)
            return .take
        }
        #expect(isInSlot)
        #expect(bytes == Array(large(9, 100_000).dropLast()))
        #expect(code { try pair.outbound.commit(RecordHeader(), byteCount: 1) } == .invalidArgument)
    }

    @Test func anAbortedLoanLeavesNoTrace() throws {
        let pair = try SlotPair()
        try pair.open(100_000)
        for _ in 0..<10 {
            let loan = try #require(try pair.outbound.lend(100_000))
            loan.fill(repeating: 7)
            pair.outbound.abort()
            pair.outbound.abort()
        }
        #expect(try pair.inbound.receive(9).isEmpty)
        #expect(try pair.outbound.trySend(large(2, 100_000)))
        #expect(try pair.inbound.receive(9) == [Received(bytes: large(2, 100_000))])
        #expect(pair.requests == 1)
    }

    @Test func withoutAFreeSlotThereIsNoRoomUntilOneIsReleased() throws {
        let pair = try SlotPair()
        try pair.open(100_000)
        let bytes = large(1, 100_000)
        #expect(try pair.fill(bytes) == 3)
        #expect(try pair.outbound.lend(100_000) == nil)
        #expect(pair.outbound.spin(50, byteCount: 100_000) == .nothing)
        // The ring itself still has room, also for a wait.
        #expect(try pair.outbound.trySend([1, 2]))
        guard case .ready = try pair.outbound.arm(.task, byteCount: 8) else {
            Issue.record("the ring is full")
            return
        }
        pair.outbound.disarm()
        guard case .bell = try pair.outbound.arm(.task, byteCount: 100_000) else {
            Issue.record("a slot is free")
            return
        }
        // In a view the slot is not free yet.
        var during: SpinOutcome?
        _ = try pair.inbound.drain(1) { _ in
            during = pair.outbound.spin(50, byteCount: 100_000)
            return .take
        }
        #expect(during == .nothing)
        #expect(pair.writerBell.count == 1)
        pair.outbound.disarm()
        guard case .ready = try pair.outbound.arm(.task, byteCount: 100_000) else {
            Issue.record("no slot is free")
            return
        }
        pair.outbound.disarm()
        #expect(try pair.outbound.trySend(bytes))
        #expect(try pair.outbound.trySend(bytes) == false)
    }

    @Test func aRecordThatIsLeftKeepsItsSlot() throws {
        let pair = try SlotPair()
        try pair.open(100_000)
        #expect(try pair.fill(large(1, 100_000)) == 3)
        for _ in 0..<3 {
            #expect(try pair.inbound.drain(9) { _ in .leaveAndStop } == 0)
            #expect(try pair.outbound.trySend(large(2, 100_000)) == false)
        }
        #expect(try pair.inbound.drain(9) { _ in .takeAndStop } == 1)
        #expect(try pair.outbound.trySend(large(2, 100_000)))
        let rest = try pair.inbound.receive(9).map(\.bytes)
        #expect(rest == [large(1, 100_000), large(1, 100_000), large(2, 100_000)])
    }

    @Test func slotsAreReleasedInAnyOrderAndTheWarmestIsTakenFirst() throws {
        let pair = try SlotPair()
        try pair.open(100_000)
        #expect(try pair.fill(large(1, 100_000)) == 3)
        // As a reader would that keeps records for longer: by hand, the second, the third, the first.
        let slots = pair.shelf.all
        for (index, use) in [(1, 2), (2, 3), (0, 1)] as [(Int, UInt64)] {
            #expect(try pair.outbound.trySend(large(2, 100_000)) == false)
            slots[index].release(use)
            let loan = try pair.outbound.lend(100_000)
            #expect(loan != nil)
            pair.outbound.abort()
            slots[index].release(0)
        }
        for (index, use) in [(1, 2), (2, 3), (0, 1)] as [(Int, UInt64)] { slots[index].release(use) }
        #expect(try pair.outbound.trySend(large(7, 100_000)))
        #expect(unsafe slots[0].memory.base.load(as: UInt8.self) == 7)
    }

    @Test func aLargerSlotServesWhereNoneOfItsOwnSizeIsFree() throws {
        let pair = try SlotPair()
        try pair.open(5 << 20)
        let bytes = large(4, 100_000)
        #expect(try pair.fill(bytes) == 4)
        #expect(pair.offered.map(\.memory.byteCount) == [1 << 23, 1 << 22, 1 << 22, 1 << 22])
        #expect(try pair.inbound.receive(9) == [Received](repeating: Received(bytes: bytes), count: 4))
        // And the small ones serve first.
        for _ in 0..<3 { #expect(try pair.outbound.trySend(bytes)) }
        #expect(try pair.outbound.trySend(large(4, 5 << 20)))
    }

    @Test func aBatchShowsWhatLiesInSlotsAtOnce() throws {
        let pair = try SlotPair()
        try pair.open(100_000)
        pair.outbound.hold()
        #expect(try pair.outbound.trySend([1]))
        #expect(try pair.inbound.receive(9).isEmpty)
        #expect(try pair.outbound.trySend(large(1, 100_000)))
        #expect(try pair.inbound.receive(9).count == 2)
        #expect(try pair.outbound.trySend([2]))
        #expect(try pair.fill(large(1, 100_000)) == 3)
        try pair.outbound.publish()
        #expect(try pair.inbound.receive(9).count == 4)
    }

    @Test func theRingGrowsForWhatItCanCarry() throws {
        let pair = try SlotPair(maximumRingBytes: 1 << 20)
        pair.outbound.expect(200_000)
        // Up to a quarter of the largest ring: no slot.
        #expect(pair.offered.isEmpty && pair.offeredRings.count == 1)
        pair.outbound.expect(1 << 18 + 1)
        #expect(pair.offered.count == 1)
        try pair.accept()
        // By a slot as long as the ring is small, and then inline.
        #expect(try pair.outbound.trySend(large(1, 200_000)))
        #expect(try pair.inbound.receive(9).map(\.bytes) == [large(1, 200_000)])
        try pair.acceptRing()
        while pair.outbound.fragmentRecordBytes < 200_000 {
            #expect(try pair.fill([UInt8](repeating: 1, count: 512)) > 0)
            _ = try pair.inbound.receive(100_000)
        }
        let slot = try #require(pair.offered.first).memory
        unsafe slot.base.storeBytes(of: 99, as: UInt8.self)
        #expect(try pair.outbound.trySend(large(2, 200_000)))
        #expect(try pair.inbound.receive(9).map(\.bytes) == [large(2, 200_000)])
        #expect(unsafe slot.base.load(as: UInt8.self) == 99)
    }

    @Test func aSlotReleasedBeforeASwitchWakesWhoWaitsBehindIt() throws {
        let pair = try SlotPair(maximumRingBytes: 65_536)
        try pair.open(100_000)
        #expect(try pair.fill(large(1, 100_000)) == 3)
        pair.outbound.expect(1600)
        try pair.acceptRing()
        // Room is left for a `switch`, and none for a reference: nothing but the waiting is in the new ring.
        for size in [Int](repeating: 504, count: 7) + [376] {
            #expect(try pair.outbound.trySend([UInt8](repeating: 1, count: size)))
        }
        #expect(try pair.outbound.trySend(large(1, 100_000)) == false)
        #expect(pair.outbound.fragmentRecordBytes == 2048)
        guard case .bell = try pair.outbound.arm(.task, byteCount: 100_000) else {
            Issue.record("a slot is free")
            return
        }
        #expect(pair.writerBell.count == 0)
        #expect(try pair.inbound.receive(1000).count == 11)
        #expect(pair.writerBell.count == 1)
        #expect(try pair.outbound.trySend(large(1, 100_000)))
    }

    @Test func refusedMemoryIsAskedForAgainLater() throws {
        let pair = try SlotPair(maximumRingBytes: 65_536)
        pair.set(outOfMemory: true)
        for _ in 0..<50 { pair.outbound.expect(100_000) }
        #expect(pair.requests == 1)
        // Meanwhile the ring grows, for the fragments.
        #expect(pair.offeredRings.count == 1)
        pair.set(outOfMemory: false)
        for _ in 0..<50 where pair.offered.isEmpty { pair.outbound.expect(100_000) }
        try pair.accept()
        #expect(pair.outbound.maximumRecordBytes == 1 << 22)
    }

    @Test func aDeclinedSlotIsNotUsed() throws {
        let pair = try SlotPair()
        pair.outbound.expect(100_000)
        pair.source.answered(try #require(pair.offered.last).number, accepted: false)
        #expect(pair.outbound.maximumRecordBytes == 1024)
        for _ in 0..<50 { pair.outbound.expect(100_000) }
        #expect(pair.requests == 1)
    }

    @Test func closingWithALoanOutKeepsItsMemoryUntilItEnds() throws {
        for commits in [true, false] {
            let pair = try SlotPair()
            try pair.open(100_000)
            let loan = try #require(try pair.outbound.lend(100_000))
            pair.outbound.close()
            loan.fill(repeating: 1)
            if commits {
                #expect(code { try pair.outbound.commit(RecordHeader(), byteCount: 9) } == .closed)
            } else {
                pair.outbound.abort()
            }
            #expect(code { try pair.outbound.trySend(large(1, 100_000)) } == .closed)
            #expect(code { try pair.outbound.lend(100_000) } == .closed)
            #expect(try pair.inbound.receive(9).isEmpty)
        }
    }

    @Test func whatWasCommittedIsReadAfterTheWriterClosed() throws {
        let pair = try SlotPair()
        try pair.open(100_000)
        #expect(try pair.outbound.trySend(large(6, 100_000)))
        pair.outbound.close()
        #expect(try pair.inbound.receive(9) == [Received(bytes: large(6, 100_000))])
    }

    @Test func aReaderThatClosesInItsViewKeepsItUntilItReturns() throws {
        let pair = try SlotPair()
        try pair.open(100_000)
        #expect(try pair.outbound.trySend(large(6, 100_000)))
        var bytes: [UInt8] = []
        _ = try pair.inbound.drain(9) { record in
            pair.inbound.close()
            bytes = [UInt8](copying: record.bytes)
            return .take
        }
        #expect(bytes == large(6, 100_000))
        #expect(pair.shelf.all.isEmpty)
        #expect(pair.shelf.keep(9, try makeSlotMemory(1 << 22)) == false)
    }
}
