// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruRing
import NaruSystem
import Testing

@testable import NaruSharedMemory

/// What all rings and slots of a transport may take together.
@Suite struct SharedMemoryBudgetTests {
    /// A budget of so many bytes, whatever the machine has left.
    private func budget(_ byteCount: Int) -> SharedMemoryBudget {
        SharedMemoryBudget { $0 + $1 <= byteCount ? nil : UInt64(byteCount) }
    }

    @Test func whatIsTakenIsGivenBackWithTheLastReference() throws {
        let budget = budget(100)
        var first: SharedMemoryBudget.Lease? = try budget.take(60)
        let second = try budget.take(40)
        #expect(budget.taken == 100)
        #expect(throws: NaruError.self) { try budget.take(1) }
        first = nil
        #expect(first == nil && budget.taken == 40)
        _ = try budget.take(60)
        #expect(budget.taken == 40)
        withExtendedLifetime(second) {}
    }

    @Test func aRefusalSaysWhatToDo() throws {
        #expect {
            try budget(10).take(11)
        } throws: { error in
            let error = error as? NaruError
            return error?.code == .resourceExhausted && error?.remedy?.contains("/dev/shm") == true
        }
    }

    @Test func whatIsHeldCountsAgainstTheShare() throws {
        // As much as the room: a quarter of it and of what is held is exceeded.
        let room = try #require(MemoryRoom.byteCount())
        #expect(MemoryRoom.take(4096, share: 4, held: 0) == nil)
        #expect(MemoryRoom.take(4096, share: 4, held: Int(room)) != nil)
        #expect(MemoryRoom.take(Int(room / 2), share: 4, held: 0) != nil)
    }

    @Test func closedLinksGiveTheirMemoryBack() throws {
        let budget = budget(1 << 30)
        do {
            let pair = try OfferingPair(budget)
            let small = budget.taken
            #expect(small > 0)
            pair.outbound.expect(3 << 20)
            try pair.talk()
            #expect(budget.taken > small + 3 << 20)
            pair.outbound.expect(65_536)
            try pair.talk()
            pair.outbound.close()
            #expect(budget.taken == 0)
            pair.inbound.close()
        }
        #expect(budget.taken == 0)
    }

    @Test func withoutBudgetForASlotTheLinkGoesOnWithoutOne() throws {
        let budget = budget(1 << 21)
        let pair = try OfferingPair(budget)
        let limit = pair.outbound.maximumRecordBytes
        for _ in 0..<3 {
            pair.outbound.expect(3 << 20)
            try pair.talk()
        }
        #expect(pair.outbound.maximumRecordBytes == limit)
        #expect(budget.taken <= 1 << 21)
        #expect(try pair.outbound.trySend([UInt8](repeating: 1, count: limit)))
        #expect(try pair.inbound.receiveAll() == [[UInt8](repeating: 1, count: limit)])
    }

    @Test func withoutBudgetForTheRingOfItsMessagesTheLinkHasASmallOne() throws {
        let transport = SharedMemoryTransport(.init(), budget: budget(1 << 20))
        let lanes = try OpeningPair(.simplex, requirements: Requirements(messageBytes: 1 << 20)).open(transport)
        #expect(lanes.dialer.outbound?.maximumRecordBytes == 8192)
        #expect(try lanes.dialer.outbound?.trySend([1, 2]) == true)
        #expect(try lanes.listener.inbound?.receiveAll() == [[1, 2]])
    }

    @Test func withoutBudgetForARingTheLinkIsNotOpened() throws {
        let transport = SharedMemoryTransport(.init(), budget: budget(4096))
        let pair = try OpeningPair(.simplex)
        defer { pair.reactor.shutdown() }
        #expect {
            _ = try transport.open(pair.dialer)
        } throws: { error in
            (error as? NaruError)?.code == .resourceExhausted
        }
    }
}
