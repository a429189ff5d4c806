// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

@testable import NaruRing

/// Peers that write what they should not into slots and into what refers to them. Expected: an error that stays, or
/// harm to themselves only; nothing is read or written outside a slot.
@Suite struct RingSlotHostileTests {
    private static let size = 1 << 22

    private func words(_ words: UInt64...) -> [UInt8] {
        words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) } }
    }

    private func data(_ byteCount: Int) -> UInt64 { RecordHeader().word(byteCount: byteCount) }

    /// A pair with one slot, whose number is 1, into whose ring bytes are written by hand.
    private func pair(_ bytes: [UInt8], _ header: RecordHeader = RecordHeader(kind: .outOfLine)) throws -> SlotPair {
        let pair = try SlotPair()
        try pair.open(Self.size)
        #expect(try pair.outbound.trySend(bytes, header))
        return pair
    }

    private func expectPoisoned(_ pair: SlotPair, _ comment: Comment) {
        for _ in 0..<2 { #expect(code { try pair.inbound.receive(9) } == .protocolViolation, comment) }
        #expect(code { try pair.inbound.arm(.thread) } == .protocolViolation, comment)
    }

    @Test func anHonestReferenceWrittenByHandIsRead() throws {
        // The base of the tests below: it is what they change that is refused.
        let pair = try pair(words(1, 1, data(Self.size)))
        #expect(try pair.inbound.receive(9).first?.bytes.count == Self.size)
    }

    @Test func forgedSlotsPoison() throws {
        for slot in [0, 2, 9, 1 << 32, 1 << 63, UInt64.max] {
            try expectPoisoned(pair(words(slot, 1, data(8))), "slot \(slot)")
        }
    }

    @Test func forgedLengthsAndHeadersPoison() throws {
        let kind = { RecordHeader(kind: .init(rawValue: $0)).word(byteCount: 8) } as (UInt8) -> UInt64
        let forged: [UInt64] = [
            data(Self.size + 1), data(1 << 30), data(RecordHeader.maximumByteCount), 0, 1 << 32, .max,
            RecordHeader(extensionByteCount: 9).word(byteCount: 8),
            kind(0), kind(4), kind(5), kind(7), kind(8), kind(255),
        ]
        for word in forged { try expectPoisoned(pair(words(1, 1, word)), "0x\(String(word, radix: 16))") }
    }

    @Test func referencesOfAnotherShapePoison() throws {
        let whole = words(1, 1, data(8))
        for count in [0, 8, 16, 23] { try expectPoisoned(pair(Array(whole.prefix(count))), "\(count) bytes") }
        try expectPoisoned(pair(whole + [0]), "25 bytes")
        try expectPoisoned(pair(whole, RecordHeader(kind: .outOfLine, flags: .compressed)), "flags")
        try expectPoisoned(pair(whole, RecordHeader(kind: .outOfLine, extensionByteCount: 8)), "an extension")
    }

    @Test func aReferenceWhereThereAreNoSlotsPoisons() throws {
        let pair = try RingPair()
        #expect(try pair.outbound.trySend(words(1, 1, data(8)), RecordHeader(kind: .outOfLine)))
        #expect(code { try pair.receiveAll() } == .protocolViolation)
    }

    /// A reference in the last bytes of the ring, whose words would lie behind it.
    @Test func aReferenceAcrossTheRingsEndPoisons() throws {
        let pair = try SlotPair()
        try pair.open(Self.size)
        for size in [1008, 1008, 1016, 1016] {
            #expect(try pair.outbound.trySend([UInt8](repeating: 0, count: size)))
            #expect(try pair.inbound.receive(9).count == 1)
        }
        unsafe (pair.memory.ring + (4096 - 16)).storeBytes(
            of: RecordHeader(kind: .outOfLine).word(byteCount: 24), as: UInt64.self)
        expectPoisoned(pair, "across the end")
    }

    @Test func aReaderThatReleasesWhatItHasNotReadSpoilsItsOwnDataOnly() throws {
        let pair = try SlotPair()
        try pair.open(Self.size)
        #expect(try pair.outbound.trySend(large(1, Self.size)))
        let slot = pair.shelf.all[0]
        for use in [0, 2, UInt64.max, 1 << 63] {
            slot.release(use)
            #expect(try pair.outbound.lend(Self.size) == nil)
        }
        // Its own use, early: the slot is taken again, once, and no slot is lent twice.
        slot.release(1)
        slot.release(1)
        #expect(try pair.outbound.trySend(large(2, Self.size)))
        slot.release(1)
        #expect(try pair.outbound.lend(Self.size) == nil)
        #expect(try pair.inbound.receive(9).map(\.bytes) == [large(2, Self.size), large(2, Self.size)])
    }

    @Test func aSlotThatIsLentIsNotLentAgainWhateverTheReaderSays() throws {
        let pair = try SlotPair()
        try pair.open(Self.size)
        #expect(try pair.outbound.lend(Self.size) != nil)
        for use in [0, 1, 2, UInt64.max] { pair.shelf.all[0].release(use) }
        #expect(code { try pair.outbound.lend(Self.size) } == .invalidArgument)
        #expect(pair.outbound.spin(9, byteCount: Self.size) == .found)
    }

    @Test func offersThatNoWriterMakesAreViolations() throws {
        let shelf = RingSlotShelf()
        for size in [0, -1, 1, 4096, 1 << 20, Self.size - 1, Self.size + 1, 1 << 25, 1 << 30, Int.max, Int.min] {
            #expect(code { try shelf.admit(1, slotBytes: size) } == .protocolViolation, "\(size) bytes")
        }
        #expect(shelf.keep(5, try makeSlotMemory(Self.size)))
        for number in [0, 4, 5] as [UInt64] {
            #expect(code { try shelf.admit(number, slotBytes: Self.size) } == .protocolViolation, "\(number)")
        }
        try shelf.admit(6, slotBytes: Self.size)
    }

    @Test func offersThatNeverEndAreAViolation() throws {
        let shelf = RingSlotShelf()
        var number: UInt64 = 0
        var byteCount = 0
        for size in RingSlotLayout.slotBytes {
            for _ in 0..<RingSlotLayout.slotCount(slotBytes: size) {
                try shelf.admit(number, slotBytes: size)
                #expect(shelf.keep(number, try makeSlotMemory(size)))
                number += 1
                byteCount += size
            }
        }
        #expect(byteCount == RingSlotLayout.maximumBytes)
        for size in RingSlotLayout.slotBytes {
            #expect(code { try shelf.admit(number, slotBytes: size) } == .protocolViolation)
        }
    }

    @Test func memoriesOfAnotherSizeAreRefused() throws {
        func mapping(_ byteCount: Int) throws -> Mapping { try Mapping(sharedAnonymousByteCount: byteCount) }
        let right = RingSlotLayout.dataByteCount(slotBytes: Self.size)
        _ = try RingSlotMemory(slotBytes: Self.size, data: mapping(right), control: mapping(4096))
        for (size, data, control) in [
            (Self.size, 4096, 4096), (Self.size, right - 4096, 4096), (Self.size, right + 4096, 4096),
            (Self.size, right, 8192), (Self.size + 4096, right + 4096, 4096), (1 << 25, 1 << 25 + 4096, 4096),
        ] {
            let maps = (try mapping(data), try mapping(control))
            #expect(
                code { try RingSlotMemory(slotBytes: size, data: maps.0, control: maps.1) } == .protocolViolation)
        }
    }
}
