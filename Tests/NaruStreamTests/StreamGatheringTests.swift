// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

@testable import NaruStream

@Suite struct StreamGatheringTests {
    @Test func aBatchIsOneCall() throws {
        let wire = try CountingWire()
        wire.outbound.hold()
        for index in 0..<500 { try wire.outbound.send(pattern(64, seed: index)) }
        #expect(try wire.take().isEmpty)
        try wire.outbound.publish()
        let packets = try wire.take()
        #expect(packets.count == 1)
        #expect(packets.first?.count == 500 * 72)
        #expect(try wire.outbound.flush())
    }

    @Test func aBatchLargerThanTheBufferIsAsManyCallsAsBuffers() throws {
        let wire = try CountingWire(configuration: StreamConfiguration(gatherBytes: 7200))
        wire.outbound.hold()
        for index in 0..<250 { try wire.outbound.send(pattern(64, seed: index)) }
        try wire.outbound.publish()
        let packets = try wire.take()
        #expect(packets.count == 3)
        #expect(packets.reduce(0) { $0 + $1.count } == 250 * 72)
    }

    @Test func aLoneRecordGoesOutAtOnce() throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        for size in [0, 64, 5000, 100_000] {
            let wire = try CountingWire(reactor: reactor)
            try wire.outbound.send(pattern(size))
            #expect(try wire.take().map(\.count) == [8 + size])
        }
    }

    @Test func withoutGatheringEachRecordIsOneCall() throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        for wire in [
            try CountingWire(), try CountingWire(configuration: StreamConfiguration(gathers: false), reactor: reactor),
        ] {
            for index in 0..<50 { try wire.outbound.send(pattern(64, seed: index)) }
            #expect(try wire.take().map(\.count) == Array(repeating: 72, count: 50))
        }
    }

    @Test func aLargeRecordTakesWhatIsPendingAlong() throws {
        let wire = try CountingWire()
        wire.outbound.hold()
        for _ in 0..<10 { try wire.outbound.send(pattern(64)) }
        try wire.outbound.send(pattern(100_000))
        #expect(try wire.take().map(\.count) == [10 * 72 + 8 + 100_000])
        try wire.outbound.publish()
        #expect(try wire.take().isEmpty)
    }

    @Test func aBurstIsGatheredAndArrivesWithoutAFlush() throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        let wire = try CountingWire(reactor: reactor)
        let record = pattern(64)
        for _ in 0..<1000 { try wire.outbound.send(record) }
        var packets: [[UInt8]] = []
        while packets.reduce(0, { $0 + $1.count }) < 1000 * 72 {
            try #require(try !wire.packets.poll(.readable, deadline: patience).isEmpty, "the burst never arrived whole")
            packets += try wire.take()
        }
        #expect(packets.count < 1000)
        #expect(packets.reduce(0) { $0 + $1.count } == 1000 * 72)
    }

    @Test func aRecordReceivedMeansAConversation() throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        let (link, peer) = try duplex(reactor)
        for _ in 0..<200 {
            try peer.outbound.send([1])
            _ = try peer.outbound.flush()
            #expect(try link.inbound.receive(1).count == 1)
            try link.outbound.send([2])
            // It has gone out, however short ago the last one did.
            #expect(link.outbound.outbox.pending == 0)
            #expect(try peer.inbound.receive(1).count == 1)
        }
    }

    @Test func waitingForAnAnswerWritesWhatWasGathered() throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        // A deadline so late that it cannot be what writes.
        let (link, peer) = try duplex(reactor, deadline: .seconds(1000))
        for way in 0..<4 {
            var sent = 0
            while link.outbound.outbox.pending == 0 {
                try link.outbound.send([1])
                sent += 1
            }
            switch way {
            case 0: #expect(try link.inbound.take().isEmpty)
            case 1: _ = try link.inbound.arm(.thread)
            case 2: _ = try link.outbound.arm(.thread, byteCount: 100)
            default: #expect(try link.outbound.flush())
            }
            #expect(link.outbound.outbox.pending == 0)
            #expect(try peer.inbound.receive(sent).count == sent)
        }
    }

    @Test func whatTheKernelDidNotTakeIsWrittenWhenItCan() throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        let wire = try Wire(sendBuffer: 1, reactor: reactor)
        var accepted = 0
        while try wire.outbound.attempt(pattern(3000, seed: accepted)) { accepted += 1 }
        // Nobody touches the outbound lane any more.
        let received = try wire.inbound.receive(accepted)
        #expect(received.map(\.bytes) == (0..<accepted).map { pattern(3000, seed: $0) })
        // Once more, with the registration that exists by now, and after a wait that was given up.
        for _ in 0..<2 {
            var more = 0
            while try wire.outbound.attempt(pattern(3000, seed: more)) { more += 1 }
            _ = try wire.outbound.arm(.thread, byteCount: 3000)
            wire.outbound.disarm()
            #expect(try wire.inbound.receive(more).map(\.bytes) == (0..<more).map { pattern(3000, seed: $0) })
        }
    }

    @Test func theReactorMeetsAPeerThatIsGone() throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        let wire = try Wire(sendBuffer: 1, reactor: reactor)
        while try wire.outbound.attempt(pattern(3000)) {}
        wire.inbound.close()
        // Whether the flusher or the sender meets the error first: what is pending is dropped, and the sender is told.
        while code({ _ = try wire.outbound.flush() }) != .peerVanished {}
        #expect(code { try wire.outbound.send([1]) } == .peerVanished)
    }

    @Test func aLaneThatIsDroppedWhileTheReactorMindsItIsHarmless() throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        for _ in 0..<50 {
            let wire = try Wire(sendBuffer: 1, reactor: reactor)
            while try wire.outbound.attempt(pattern(500)) {}
        }
        let wire = try Wire(reactor: reactor)
        try wire.outbound.send([1])
        #expect(try wire.inbound.receive(1).map(\.bytes) == [[1]])
    }

    private func duplex(
        _ reactor: Reactor, deadline: Duration = .microseconds(50)
    ) throws -> (
        (outbound: StreamOutboundLane, inbound: StreamInboundLane),
        (outbound: StreamOutboundLane, inbound: StreamInboundLane)
    ) {
        let (a, b) = try UnixSocket.pair(kind: .stream)
        let lanes = [a, b].map { descriptor in
            let end = StreamEnd(descriptor, kind: .socket, lanes: 2)
            let outbound = StreamOutboundLane(
                end, configuration: StreamConfiguration(gatherDeadline: deadline), reactor: reactor)
            return (outbound, StreamInboundLane(end, companion: outbound))
        }
        return (lanes[0], lanes[1])
    }
}
