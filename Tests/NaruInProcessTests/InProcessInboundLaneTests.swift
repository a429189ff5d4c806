// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruInProcess
import Testing

/// Each sentence of the contract of `InboundLane`, and of this lane's own documentation.
@Suite struct InProcessInboundLaneTests {
    @Test func recordsComeInOrderAndAreCounted() throws {
        let link = try TestLink(.init(ringByteCount: 4096))
        #expect(try link.inbound().drain(4) { _ in .take } == 0)
        var next = 0
        var expected = 0
        for round in 0..<200 {
            for _ in 0..<(round % 8 + 1) {
                #expect(try link.outbound().trySend(pattern(next, next % 300)))
                next += 1
            }
            while expected < next {
                let taken = try link.inbound().drain(3) { record in
                    #expect([UInt8](copying: record.bytes) == pattern(expected, expected % 300))
                    expected += 1
                    return .take
                }
                #expect(taken > 0 && taken <= 3)
            }
        }
        #expect(try link.inbound().drain(4) { _ in .take } == 0)
    }

    @Test(arguments: [8, 40_000])
    func aRecordLeftIsGivenAgain(byteCount: Int) throws {
        let link = try TestLink()
        for index in 0..<3 { #expect(try link.outbound().trySend(pattern(index, byteCount))) }
        for _ in 0..<3 {
            let taken = try link.inbound().drain(8) { record in
                #expect([UInt8](copying: record.bytes) == pattern(0, byteCount))
                return .leaveAndStop
            }
            #expect(taken == 0)
        }
        #expect(try link.inbound().arm(.task).name == "ready")
        #expect(try link.inbound().drain(8) { _ in .takeAndStop } == 1)
        #expect(try link.inbound().take().map(\.bytes) == [pattern(1, byteCount), pattern(2, byteCount)])
    }

    @Test func maximumBoundsADrain() throws {
        let link = try TestLink()
        for index in 0..<10 { #expect(try link.outbound().trySend([UInt8(index)])) }
        #expect(try link.inbound().drain(0) { _ in .take } == 0)
        #expect(try link.inbound().drain(-1) { _ in .take } == 0)
        #expect(try link.inbound().take(7).count == 7)
        #expect(try link.inbound().take(7).map(\.bytes) == [[7], [8], [9]])
    }

    @Test func roomIsGivenBackOnlyAfterTheClosureReturned() throws {
        let link = try TestLink(.init(ringByteCount: 1024))
        let outbound = try link.outbound()
        while try outbound.trySend(pattern(1, 16)) {}
        _ = try link.inbound().drain(1) { record in
            #expect((try? outbound.trySend(pattern(2, 16))) == false)
            #expect([UInt8](copying: record.bytes) == pattern(1, 16))
            return .take
        }
        #expect(try outbound.trySend(pattern(2, 16)))
        #expect(try link.inbound().take().last?.bytes == pattern(2, 16))
    }

    @Test func aMessageIsReleasedOnlyAfterTheClosureReturned() throws {
        let link = try TestLink()
        weak var weakMessage: OwnedMessage?
        do {
            let message = OwnedMessage(pattern(1, 500))
            weakMessage = message
            #expect(try link.outbound().trySend(RecordHeader(), adopting: message))
        }
        #expect(weakMessage != nil)
        _ = try link.inbound().drain(1) { _ in .leaveAndStop }
        #expect(weakMessage != nil)
        _ = try link.inbound().drain(1) { record in
            #expect([UInt8](copying: record.bytes) == pattern(1, 500))
            return .take
        }
        #expect(weakMessage == nil)
    }

    @Test func aCopiedMessageMayBeKept() throws {
        let link = try TestLink()
        #expect(try link.outbound().trySend(pattern(1, 40_000)))
        var kept: OwnedMessage?
        _ = try link.inbound().drain(1) { record in
            kept = record.adopted
            return .take
        }
        try link.outbound().close()
        try link.inbound().close()
        let message = try #require(kept)
        #expect([UInt8](copying: message.bytes) == pattern(1, 40_000))
    }

    @Test func aHangUpDoesNotOvertakeData() throws {
        let link = try TestLink()
        for index in 0..<3 { #expect(try link.outbound().trySend([UInt8(index)])) }
        try link.outbound().close()
        let lane = try link.inbound()
        #expect(try lane.arm(.thread).name == "ready")
        lane.disarm()
        #expect(try lane.take(2).map(\.bytes) == [[0], [1]])
        #expect(try lane.arm(.task).name == "ready")
        lane.disarm()
        #expect(try lane.take(2).map(\.bytes) == [[2]])
        #expect(try lane.drain(1) { _ in .take } == 0)
        #expect(try lane.arm(.thread).name == "ended")
    }

    @Test func closeIsIdempotentAndEverythingAfterItThrowsClosed() throws {
        let link = try TestLink()
        #expect(try link.outbound().trySend([1]))
        let lane = try link.inbound()
        lane.close()
        lane.close()
        #expect(code { _ = try lane.drain(1) { _ in .take } } == .closed)
        #expect(code { _ = try lane.arm(.thread) } == .closed)
        lane.disarm()
    }

    @Test func aDrainInsideADrainIsRefused() throws {
        let link = try TestLink()
        let lane = try link.inbound()
        #expect(try link.outbound().trySend([1]))
        let taken = try lane.drain(8) { _ in
            let inner = code { _ = try lane.drain(1) { _ in .take } }
            #expect(inner == .reentrant)
            return .take
        }
        #expect(taken == 1)
    }

    @Test func aCloseInsideADrainWaitsForTheClosure() throws {
        let link = try TestLink()
        let lane = try link.inbound()
        for index in 0..<2 { #expect(try link.outbound().trySend(pattern(index, 500))) }
        let taken = try lane.drain(8) { record in
            lane.close()
            #expect([UInt8](copying: record.bytes) == pattern(0, 500))
            return .take
        }
        #expect(taken == 1)
        #expect(code { _ = try lane.drain(1) { _ in .take } } == .closed)
        #expect(code { _ = try link.outbound().trySend([1]) } == .peerVanished)
    }
}
