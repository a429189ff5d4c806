// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruCore
import NaruStream
import NaruSystem
import NaruUnixSocket
import Testing

@Suite struct UnixSocketTransportTests {
    @Test func theRecordSaysWhatItCan() throws {
        let record = UnixSocketTransport().probe()
        #expect(record.transport == .unixSocket)
        #expect(record.availability == .available)
        #expect(Set(record.localities) == [.sameProcess, .relatedProcess, .sameHost])
        #expect(Set(record.directions) == [.simplex, .duplex])
        #expect(Set(record.properties) == [.confidential, .confirmed, .pollable])
        #expect(record.agreements == [.negotiated])
        #expect(record.loans == .copied)
        #expect(record.survivesSenderDeath)
        #expect(Set(record.waitModes) == Set(WaitMode.allCases))
        #expect(record.maximumRecordBytes == StreamFormat.maximumRecordBytes)
        #expect(throws: Never.self) { try record.validated() }
    }

    static let messages: [[UInt8]] = [0, 1, 8, 63, 4096, 70_000, 262_144].map { [UInt8](repeating: 7, count: $0) }

    @Test(arguments: [true, false])
    func simplexCarriesOneWay(_ isForward: Bool) throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        let pair = OpeningPair(UnixSocketTransport(), .simplex, isForward: isForward, reactor: reactor)
        let (dialer, listener) = try pair.open()
        let (sender, receiver) = isForward ? (dialer, listener) : (listener, dialer)
        #expect(sender.inbound == nil)
        #expect(receiver.outbound == nil)
        #expect(try OpeningPair.cross(sender.outbound, receiver.inbound, Self.messages) == Self.messages)
        sender.outbound?.close()
        #expect(try OpeningPair.hasEnded(receiver.inbound), "the sender has closed")
    }

    @Test func duplexCarriesBothWaysAndEachEndsByItself() throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        let (dialer, listener) = try OpeningPair(UnixSocketTransport(), .duplex, reactor: reactor).open()
        for _ in 0..<3 {
            #expect(try OpeningPair.cross(dialer.outbound, listener.inbound, Self.messages) == Self.messages)
            #expect(try OpeningPair.cross(listener.outbound, dialer.inbound, Self.messages) == Self.messages)
        }
        dialer.outbound?.close()
        #expect(try OpeningPair.hasEnded(listener.inbound), "the dialer's outbound lane has closed")
        #expect(try OpeningPair.cross(listener.outbound, dialer.inbound, Self.messages) == Self.messages)
    }

    @Test func whatWasHandedOverSurvivesTheSender() throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        var (dialer, listener) = try OpeningPair(UnixSocketTransport(), .duplex, reactor: reactor).open()
        let outbound = try #require(dialer.outbound)
        // Unread input in the other direction: closing such a socket is a reset.
        let unread = [UInt8](repeating: 1, count: 9)
        let sent = [UInt8](repeating: 2, count: 9)
        // Borrowed for the calls.
        #expect(unsafe try listener.outbound?.trySend(RecordHeader(), RawSpan(), unread.span.bytes) == true)
        #expect(unsafe try outbound.trySend(RecordHeader(), RawSpan(), sent.span.bytes))
        #expect(try outbound.flush())
        dialer.outbound?.close()
        dialer.inbound?.close()
        dialer = Lanes()
        var found = 0
        _ = try listener.inbound?.drain(9) { record in
            found += record.bytes.byteCount
            return .take
        }
        #expect(found == 9)
        #expect(try OpeningPair.hasEnded(listener.inbound), "the dialer is gone")
    }

    @Test func anOpeningThatIsDroppedClosesWhatItMade() throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        var peer: Descriptor?
        do {
            let pair = OpeningPair(UnixSocketTransport(), .simplex, reactor: reactor)
            let opening = try pair.transport.open(pair.request(.dialer))
            guard case .send(let message) = try opening.advance(.proceed) else {
                Issue.record("the dialer speaks first")
                return
            }
            peer = message.descriptors.first
        }
        let stream = try #require(peer)
        // The proof, then the end: nobody holds the other end any more.
        #expect(try stream.poll(.readable, deadline: .after(.seconds(30))).contains(.hangUp))
    }
}
