// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Synchronization
import Testing

@testable import NaruRing

@Suite struct RingWaitingTests {
    /// The word or bell that an armed lane answers with, as text.
    private func name(_ target: WaitTarget) -> String {
        switch target {
        case .ready: "ready"
        case .ended: "ended"
        case .word(_, let value): "word \(value)"
        case .bell: "bell"
        case .descriptor, .reception: "descriptor"
        case .pause: "pause"
        }
    }

    @Test func aReaderThatWaitsIsTold() throws {
        let pair = try RingPair()
        #expect(name(try pair.inbound.arm(.thread)) == "word 1")
        pair.inbound.disarm()
        #expect(name(try pair.inbound.arm(.task)) == "bell")
        #expect(try pair.outbound.trySend([1]))
        #expect(pair.readerBell.count == 1)
        #expect(name(try pair.inbound.arm(.task)) == "ready")
        pair.inbound.disarm()
        #expect(try pair.outbound.trySend([2]))
        #expect(pair.readerBell.count == 1)
        #expect(try pair.receiveAll().count == 2)
        #expect(name(try pair.inbound.arm(.thread)) == "word 1")
    }

    @Test func aBatchRingsOnce() throws {
        let pair = try RingPair()
        _ = try pair.inbound.arm(.task)
        pair.outbound.hold()
        for byte in 0..<10 as Range<UInt8> { #expect(try pair.outbound.trySend([byte])) }
        #expect(pair.readerBell.count == 0)
        try pair.outbound.publish()
        #expect(pair.readerBell.count == 1)
    }

    @Test func aWriterThatWaitsForRoomIsTold() throws {
        let pair = try RingPair()
        #expect(name(try pair.outbound.arm(.thread, byteCount: 1024)) == "ready")
        pair.outbound.disarm()
        while try pair.outbound.trySend(pattern(1, 500)) {}
        #expect(name(try pair.outbound.arm(.thread, byteCount: 500)) == "word 1")
        pair.outbound.disarm()
        #expect(name(try pair.outbound.arm(.task, byteCount: 500)) == "bell")
        #expect(try pair.inbound.receive(1).count == 1)
        #expect(pair.writerBell.count == 1)
        #expect(name(try pair.outbound.arm(.task, byteCount: 500)) == "ready")
        #expect(name(try pair.outbound.arm(.task, byteCount: 1024)) == "bell")
        pair.outbound.disarm()
        #expect(code { try pair.outbound.arm(.task, byteCount: 1025) } == .messageTooLarge)
    }

    @Test func aWriterThatWaitsShowsItsBatchFirst() throws {
        let pair = try RingPair()
        pair.outbound.hold()
        #expect(try pair.outbound.trySend([1]))
        #expect(name(try pair.outbound.arm(.task, byteCount: 1)) == "ready")
        #expect(try pair.receiveAll() == [Received(bytes: [1])])
    }

    @Test func whoeverWakesTheSleeperInThisProcessStoresZero() throws {
        let pair = try RingPair()
        guard case .word(let word, let value) = try pair.inbound.arm(.thread) else {
            Issue.record("a thread sleeps on a word")
            return
        }
        #expect(unsafe word.pointee.load(ordering: .relaxed) == value)
        unsafe word.pointee.store(0, ordering: .sequentiallyConsistent)
        #expect(try unsafe Futex.wait(UnsafeRawPointer(word), while: value, deadline: .never) == .changed)
        pair.inbound.disarm()
    }

    /// A value that means nothing in an armed word wakes nobody and harms nobody.
    @Test(arguments: [3, 0x8000_0000, .max] as [UInt32]) func aForgedArmingIsHarmless(_ value: UInt32) throws {
        let pair = try RingPair()
        let word = unsafe UnsafeMutableRawPointer(pair.memory.control.base + RingLayout.readerArmedOffset)
        unsafe word.storeBytes(of: value, as: UInt32.self)
        #expect(try pair.outbound.trySend([1]))
        #expect(pair.readerBell.count == 0)
        #expect(try pair.receiveAll() == [Received(bytes: [1])])
    }
}
