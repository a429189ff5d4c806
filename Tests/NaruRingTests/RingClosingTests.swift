// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Synchronization
import Testing

@testable import NaruRing

@Suite struct RingClosingTests {
    @Test func closingTwiceIsClosingOnce() throws {
        let pair = try RingPair()
        pair.outbound.close()
        pair.outbound.close()
        pair.inbound.close()
        pair.inbound.close()
        pair.outbound.disarm()
        pair.inbound.disarm()
        pair.outbound.abort()
        pair.outbound.hold()
        #expect(code { try pair.outbound.trySend([1]) } == .closed)
        #expect(code { try pair.outbound.lend(1) } == .closed)
        #expect(code { try pair.outbound.commit(RecordHeader(), byteCount: 0) } == .closed)
        #expect(code { try pair.outbound.publish() } == .closed)
        #expect(code { try pair.outbound.flush() } == .closed)
        #expect(code { try pair.outbound.arm(.thread, byteCount: 1) } == .closed)
        #expect(code { try pair.receiveAll() } == .closed)
        #expect(code { try pair.inbound.arm(.thread) } == .closed)
    }

    @Test func aWriterThatClosesLeavesWhatItAccepted() throws {
        let pair = try RingPair()
        #expect(try pair.outbound.trySend([1]))
        pair.outbound.hold()
        #expect(try pair.outbound.trySend([2]))
        pair.outbound.close()
        guard case .ready = try pair.inbound.arm(.task) else {
            Issue.record("a record is there")
            return
        }
        pair.inbound.disarm()
        #expect(try pair.receiveAll().map(\.bytes) == [[1], [2]])
        guard case .ended = try pair.inbound.arm(.task) else {
            Issue.record("nothing will come any more")
            return
        }
    }

    @Test func closingWakesTheOtherEnd() throws {
        let writer = try RingPair()
        _ = try writer.inbound.arm(.task)
        writer.outbound.close()
        #expect(writer.readerBell.count == 1)

        let reader = try RingPair()
        while try reader.outbound.trySend([1]) {}
        _ = try reader.outbound.arm(.task, byteCount: 1)
        reader.inbound.close()
        #expect(reader.writerBell.count == 1)
        guard case .ended = try reader.outbound.arm(.task, byteCount: 1) else {
            Issue.record("nobody will ever make room")
            return
        }
    }

    @Test func aCloseInsideTheClosureWaitsForItsEnd() throws {
        let pair = try RingPair()
        for byte in 1...3 as ClosedRange<UInt8> { #expect(try pair.outbound.trySend([byte])) }
        var seen: [[UInt8]] = []
        let taken = try pair.inbound.drain(10_000) { record in
            pair.inbound.close()
            // The memory is still there.
            seen.append([UInt8](copying: record.bytes))
            return .take
        }
        #expect(taken == 1)
        #expect(seen == [[1]])
        #expect(code { try pair.receiveAll() } == .closed)
    }

    @Test func aDrainInsideTheClosureIsRefused() throws {
        let pair = try RingPair()
        #expect(try pair.outbound.trySend([1]))
        #expect(try pair.outbound.trySend([2]))
        var codes: [NaruError.Code?] = []
        let taken = try pair.inbound.drain(10_000) { _ in
            codes.append(code { try pair.inbound.receive(1) })
            codes.append(code { try pair.inbound.arm(.task) })
            return .take
        }
        #expect(taken == 2)
        #expect(codes == [.reentrant, .reentrant, .reentrant, .reentrant])
        #expect(try pair.receiveAll().isEmpty)
    }

    @Test func aLoanOutlivesTheClose() throws {
        // Own memory, so that only the lane keeps it mapped.
        let outbound = RingOutboundLane(
            try makeRingMemory(ringBytes: 4096), name: "test", peerBell: CountingBell(), startingAt: 0)
        let room = try #require(try outbound.lend(1000))
        outbound.close()
        room.fill(repeating: 7)
        #expect(code { try outbound.commit(RecordHeader(), byteCount: 1000) } == .closed)
        #expect(code { try outbound.commit(RecordHeader(), byteCount: 1000) } == .closed)
    }

    @Test func anEndThatIsDroppedCloses() throws {
        let memory = try makeRingMemory(ringBytes: 4096)
        let bell = CountingBell()
        let inbound = RingInboundLane(memory, name: "test", peerBell: CountingBell())
        do {
            let outbound = RingOutboundLane(memory, name: "test", peerBell: bell)
            #expect(try outbound.trySend([1]))
            #expect(try inbound.receive(10_000).count == 1)
            _ = try inbound.arm(.task)
        }
        #expect(bell.count == 1)
        guard case .ended = try inbound.arm(.task) else {
            Issue.record("nothing will come any more")
            return
        }
    }
}
