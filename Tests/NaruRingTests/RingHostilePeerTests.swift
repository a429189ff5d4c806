// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Synchronization
import Testing

@testable import NaruRing

/// An end whose peer writes into the shared memory what it should not. Expected is always the same: an error that
/// stays, and nothing read or written outside the ring.
@Suite struct RingHostilePeerTests {
    /// Stores a header word by hand.
    private func store(_ word: UInt64, at offset: Int, _ pair: RingPair) {
        unsafe (pair.memory.ring + offset).storeBytes(of: word, as: UInt64.self)
    }

    private func store(cursor: UInt64, _ pair: RingPair) {
        unsafe UnsafeMutableRawPointer(mutating: pair.memory.cursor).storeBytes(of: cursor, as: UInt64.self)
    }

    private func word(_ kind: UInt8, _ byteCount: Int, extension bytes: UInt16 = 0) -> UInt64 {
        RecordHeader(kind: .init(rawValue: kind), extensionByteCount: bytes).word(byteCount: byteCount)
    }

    private func expectPoisoned(_ pair: RingPair, _ comment: Comment) {
        for _ in 0..<3 {
            #expect(code { try pair.receiveAll() } == .protocolViolation, comment)
        }
        #expect(code { try pair.inbound.arm(.thread) } == .protocolViolation, comment)
        // The honest half still closes.
        pair.inbound.disarm()
        pair.inbound.close()
        #expect(code { try pair.receiveAll() } == .closed, comment)
    }

    @Test func headerWordsThatAreNoRecordsPoison() throws {
        let maximum = RingLayout.maximumRecordBytes(ringBytes: 4096)
        let words: [UInt64] = [
            .max, 1 << 63, 1 << 32, UInt64(UInt32.max), 1 << 31, 1,
            word(0, 8), word(8, 8), word(255, 8),  // kinds
            word(1, maximum + 1), word(1, 4096), word(1, 1 << 30), word(1, RecordHeader.maximumByteCount),  // sizes
            word(1, 8, extension: 9), word(2, 0, extension: 1),  // an extension longer than the record
            word(7, 4096 - 8), word(7, 64), word(7, 4), word(7, maximum),  // padding to elsewhere, or of the whole ring
            RecordHeader(kind: .padding, flags: .history).word(byteCount: 8),
        ]
        for word in words {
            let pair = try RingPair()
            store(word, at: 0, pair)
            expectPoisoned(pair, "0x\(String(word, radix: 16))")
        }
    }

    /// A ring full of padding must not keep a drain busy for ever.
    @Test func paddingBehindPaddingPoisons() throws {
        let pair = try RingPair()
        for offset in stride(from: 0, to: 4096, by: 8) { store(word(7, 0), at: offset, pair) }
        expectPoisoned(pair, "padding everywhere")
    }

    /// Nor a reader that borrows, and drains what it is not lent.
    @Test func paddingBehindBorrowedPaddingPoisons() throws {
        let pair = try RingPair()
        store(word(7, 48), at: 0, pair)
        store(word(7, 56), at: 56, pair)
        let places = UnsafeMutableBufferPointer<LentRecord>.allocate(capacity: 4)
        defer { unsafe places.deallocate() }
        #expect(try unsafe pair.inbound.borrow(places) == 0)
        expectPoisoned(pair, "the second padding")
    }

    /// Positions begin anew in a larger ring, and so does what was padded.
    @Test func paddingWhereOneEndedInTheRingBeforeIsNone() throws {
        let (pair, larger) = (try RingPair(), try makeRingMemory(ringBytes: 8192))
        let successors = RingSuccessors()
        #expect(try successors.keep(larger, 1))
        let inbound = RingInboundLane(
            pair.memory, name: "test", peerBell: CountingBell(), successors: successors, startingAt: 0)
        store(word(7, 0), at: 0, pair)
        store(word(5, 8), at: 8, pair)
        store(1, at: 16, pair)
        for (index, word) in [word(1, 0), word(7, 0), word(1, 0)].enumerated() {
            unsafe (larger.ring + 8 * index).storeBytes(of: word, as: UInt64.self)
        }
        #expect(try inbound.receive(4).count == 2)
    }

    @Test func aHeaderWordOfZeroIsNothing() throws {
        let pair = try RingPair()
        store(0, at: 0, pair)
        #expect(try pair.receiveAll().isEmpty)
    }

    /// Every record is bounded by the ring's end: one byte more than what is left is refused, at every offset.
    @Test func aRecordPastTheRingsEndPoisons() throws {
        for rest in stride(from: 8, through: 1024, by: 8) {
            let fitting = try RingPair(startingAt: UInt64(4096 - rest))
            store(word(1, rest - 8), at: 4096 - rest, fitting)
            store(0, at: 0, fitting)
            #expect(try fitting.receiveAll().first?.bytes.count == rest - 8)

            let tooLong = try RingPair(startingAt: UInt64(4096 - rest))
            store(word(1, rest - 7), at: 4096 - rest, tooLong)
            expectPoisoned(tooLong, "\(rest) bytes are left")
        }
    }

    @Test func whatCameBeforeTheViolationIsGiven() throws {
        let pair = try RingPair()
        #expect(try pair.outbound.trySend([1]))
        store(.max, at: 16, pair)
        var seen = 0
        #expect(
            code {
                try pair.inbound.drain(10_000) { _ in
                    seen += 1
                    return .take
                }
            } == .protocolViolation)
        #expect(seen == 1)
        expectPoisoned(pair, "after a record")
    }

    @Test func eachByteOfAHeaderWordWithEachValueNeverTraps() throws {
        for byte in 0..<8 {
            for value in 0...255 as ClosedRange<UInt64> {
                let pair = try RingPair()
                let good = word(1, 24)
                store((good & ~(0xFF << (8 * UInt64(byte)))) | value << (8 * UInt64(byte)), at: 0, pair)
                do {
                    for record in try pair.inbound.receive(4) { #expect(record.bytes.count <= 1024) }
                } catch {
                    #expect(error.code == .protocolViolation)
                }
            }
        }
    }

    /// Whole rings of random words; a third of them shaped like headers, so that some are accepted.
    @Test func randomRingsNeverTrap() throws {
        var generator = SeededGenerator(state: 99)
        for _ in 0..<500 {
            let pair = try RingPair(startingAt: UInt64.random(in: 0..<512, using: &generator) * 8)
            for offset in stride(from: 0, to: 4096, by: 8) {
                let random = generator.next()
                store(
                    random % 3 == 0
                        ? random : word(UInt8(random >> 8 % 8), Int(random >> 16 % 64)), at: offset, pair)
            }
            var total = 0
            do {
                // The ring's words stay: a reader that is not stopped goes round for ever, but never in one drain.
                for _ in 0..<100 { total += try pair.inbound.receive(10).count }
                #expect(total <= 1000)
            } catch {
                #expect(error.code == .protocolViolation)
            }
        }
    }

    /// A writer that changes a header word all the time; whatever the reader gets lies in the ring.
    @Test(.timeLimit(.minutes(2))) func aFlippedHeaderWordIsReadOnce() throws {
        let memory = try makeRingMemory(ringBytes: 4096)
        let stop = Atomic<Bool>(false)
        let words = [word(1, 8), word(1, 1 << 20), word(7, 0), .max, word(1, 1024)]
        let thread = try SystemThread(name: "flipper") {
            var index = 0
            while !stop.load(ordering: .relaxed) {
                let atomic = unsafe memory.ring.assumingMemoryBound(to: Atomic<UInt64>.self)
                unsafe atomic.pointee.store(words[index % words.count], ordering: .relaxed)
                index += 1
            }
        }
        var sizes: Set<Int> = []
        for _ in 0..<100_000 {
            let inbound = RingInboundLane(memory, name: "test", peerBell: CountingBell(), startingAt: 0)
            do {
                _ = try inbound.drain(1) { record in
                    sizes.insert(record.bytes.byteCount)
                    return .take
                }
            } catch {
                #expect(error.code == .protocolViolation)
            }
        }
        stop.store(true, ordering: .relaxed)
        thread.join()
        #expect(sizes.isSubset(of: [8, 1024]))
    }

    @Test func aCursorOutsideWhatTheReaderWasGivenPoisons() throws {
        for forged in [8 + 4096, 4104, .max, 1 << 63, 1 << 32, 4092, 4081] as [UInt64] {
            let pair = try RingPair()
            while try pair.outbound.trySend(pattern(1, 1000)) {}
            store(cursor: forged, pair)
            expectWriterPoisoned(pair, "cursor \(forged)")
        }
    }

    @Test func aCursorThatMovesBackwardsPoisons() throws {
        let pair = try RingPair()
        while try pair.outbound.trySend(pattern(1, 1000)) {}
        #expect(try pair.inbound.receive(2).count == 2)
        #expect(try pair.outbound.trySend(pattern(1, 1000)))
        while try pair.outbound.trySend(pattern(1, 1000)) {}
        store(cursor: 1008, pair)
        expectWriterPoisoned(pair, "backwards")
    }

    @Test func aCursorPastAHeldBatchPoisons() throws {
        let pair = try RingPair()
        for _ in 0..<3 { #expect(try pair.outbound.trySend(pattern(1, 1000))) }
        pair.outbound.hold()
        #expect(try pair.outbound.trySend(pattern(1, 200)))
        // Up to where the writer has written, but not shown.
        store(cursor: 3 * 1008 + 208, pair)
        expectWriterPoisoned(pair, "past a held batch")
    }

    /// Every word by which the ends tell each other where they are, whether they sleep, on which core, and whether they
    /// have closed: each byte with each value, and each word with what breaks arithmetic. Both ends go on, wait for
    /// something, or say that the other broke the protocol.
    @Test func eachByteOfTheControlWordsWithEachValueNeverTraps() throws {
        var generator = SeededGenerator(state: 5)
        let words: [UInt64] = [
            0, .max, 1 << 31, 1 << 32, 1 << 63, UInt64(UInt32.max), generator.next(), generator.next(),
        ]
        for base in [0, 128, 256, 384] {
            for word in words {
                unsafe try useForged { unsafe $0.storeBytes(of: word, toByteOffset: base, as: UInt64.self) }
            }
            for offset in base..<base + 8 {
                for value in 0...255 as ClosedRange<UInt8> {
                    unsafe try useForged { unsafe $0.storeBytes(of: value, toByteOffset: offset, as: UInt8.self) }
                }
            }
        }
    }

    /// Uses both ends of a ring, the control memory being forged again before each operation.
    private func useForged(_ forge: (UnsafeMutableRawPointer) -> Void) throws {
        let pair = try RingPair()
        func forged(_ operation: () throws -> Void) throws {
            unsafe forge(pair.memory.control.base)
            let code = code(operation)
            #expect(code == nil || code == .protocolViolation)
        }
        for _ in 0..<3 {
            try forged { _ = try pair.outbound.trySend(pattern(1, 900)) }
            try forged { _ = pair.outbound.spin(2, byteCount: 900) }
            try forged { _ = try pair.outbound.arm(.thread, byteCount: 900) }
            pair.outbound.disarm()
            try forged { _ = try pair.inbound.receive(2) }
            try forged { _ = pair.inbound.spin(2) }
            try forged { _ = try pair.inbound.arm(.task) }
            pair.inbound.disarm()
        }
        pair.outbound.close()
        pair.inbound.close()
    }

    /// A reader that says all the time that it sleeps costs its writer a wake-up each, and no message.
    @Test(arguments: [1, 2, 3, UInt32.max]) func aReaderThatNeverDisarmsIsServed(_ armed: UInt32) throws {
        let pair = try RingPair()
        for number in 0..<10_000 as Range<UInt64> {
            unsafe pair.memory.control.base.storeBytes(of: armed, toByteOffset: 128, as: UInt32.self)
            #expect(try pair.outbound.trySend(pattern(number, 24)))
            #expect(try pair.receiveAll().map(\.bytes) == [pattern(number, 24)])
        }
        #expect(pair.readerBell.count == (armed == 2 ? 10_000 : 0))
    }

    /// A reader that never says that it sleeps, and never wakes its writer: what is there is found all the same, and a
    /// writer that waits for room has its deadline.
    @Test func aPeerThatNeverWakesCostsNoMessage() throws {
        let pair = try RingPair()
        while try pair.outbound.trySend(pattern(1, 500)) {}
        guard case .word(let word, let value) = try pair.outbound.arm(.thread, byteCount: 500) else {
            Issue.record("a full ring lets its writer sleep")
            return
        }
        let result = unsafe try Futex.wait(
            UnsafeRawPointer(word), while: value, deadline: .after(.milliseconds(1)))
        #expect(result == .timedOut)
        pair.outbound.disarm()
        #expect(try !pair.receiveAll().isEmpty)
        #expect(try pair.outbound.trySend(pattern(1, 500)))
    }

    private func expectWriterPoisoned(_ pair: RingPair, _ comment: Comment) {
        for _ in 0..<2 {
            #expect(code { try pair.outbound.trySend(pattern(1, 1000)) } == .protocolViolation, comment)
            #expect(code { try pair.outbound.trySend([]) } == .protocolViolation, comment)
        }
        #expect(code { try pair.outbound.lend(1) } == .protocolViolation, comment)
        #expect(code { try pair.outbound.publish() } == .protocolViolation, comment)
        #expect(code { try pair.outbound.arm(.task, byteCount: 1) } == .protocolViolation, comment)
        pair.outbound.disarm()
        pair.outbound.close()
        #expect(code { try pair.outbound.trySend([]) } == .closed, comment)
    }
}
