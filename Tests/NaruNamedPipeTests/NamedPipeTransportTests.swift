// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruCore
import NaruNamedPipe
import NaruStream
import NaruSystem
import Testing

@Suite struct NamedPipeTransportTests {
    @Test func theRecordSaysWhatItCan() {
        let record = NamedPipeTransport().probe()
        #expect(record.transport == .fifo)
        #expect(record.availability == .available)
        #expect(Set(record.localities) == [.sameProcess, .relatedProcess, .sameHost])
        #expect(Set(record.directions) == [.simplex, .duplex])
        #expect(record.agreements == [.negotiated, .attached])
        #expect(record.sharedNamespaces == ["mnt"])
        #expect(record.maximumRecordBytes == StreamFormat.maximumPipeRecordBytes)
    }

    @Test(arguments: [(Direction.simplex, true), (.simplex, false), (.duplex, true)])
    func messagesCross(_ shape: (direction: Direction, isForward: Bool)) throws {
        try Place.run { (place: Place) throws in
            let pair = place.pair(shape.direction, isForward: shape.isForward)
            let (dialer, listener) = try pair.open()
            let messages: [[UInt8]] = [[], [1], [UInt8](repeating: 7, count: 200_000), [2, 3]]
            if shape.isForward {
                #expect(try OpeningPair.cross(dialer.outbound, listener.inbound, messages) == messages)
            }
            if shape.direction == .duplex || !shape.isForward {
                #expect(try OpeningPair.cross(listener.outbound, dialer.inbound, messages) == messages)
            }
            #expect((dialer.outbound == nil) == (listener.inbound == nil))
            for lanes in [dialer, listener] {
                lanes.outbound?.close()
                lanes.inbound?.close()
            }
        }
    }

    @Test func anOpenLinkHasNoName() throws {
        try Place.run { (place: Place) throws in
            let pair = place.pair(.duplex)
            let (dialer, listener) = try pair.open()
            #expect(try place.names() == [])
            #expect(try OpeningPair.cross(dialer.outbound, listener.inbound, [[1]]) == [[1]])
            withExtendedLifetime((dialer, listener)) {}
        }
    }

    @Test func whatWasHandedOverSurvivesTheSender() throws {
        try Place.run { (place: Place) throws in
            let (dialer, listener) = try place.pair(.simplex).open()
            let message: [UInt8] = [1, 2, 3]
            let outbound = try #require(dialer.outbound)
            // Borrowed for the call.
            #expect(unsafe try outbound.trySend(RecordHeader(), RawSpan(), message.span.bytes))
            #expect(try outbound.flush())
            outbound.close()
            #expect(try cross(outbound: nil, listener.inbound, count: 1) == [message])
            #expect(try OpeningPair.hasEnded(listener.inbound))
        }
    }

    @Test func aSenderWithoutAReaderIsTold() throws {
        try Place.run { (place: Place) throws in
            let (dialer, listener) = try place.pair(.simplex).open()
            listener.inbound?.close()
            let outbound = try #require(dialer.outbound)
            let message: [UInt8] = [1]
            let error = #expect(throws: NaruError.self) {
                // Borrowed for the call. A signal would end the test.
                _ = unsafe try outbound.trySend(RecordHeader(), RawSpan(), message.span.bytes)
                _ = try outbound.flush()
            }
            #expect(error?.code == .peerVanished)
        }
    }

    @Test func aPipeHoldsWhatTheConfigurationSays() throws {
        try Place.run { (place: Place) throws in
            func accepted(_ byteCount: Int) throws -> Int {
                var pair = place.pair(.simplex)
                pair.transport = NamedPipeTransport(.init(stream: .init(gathers: false), capacityBytes: byteCount))
                let (dialer, listener) = try pair.open()
                let outbound = try #require(dialer.outbound)
                let message = [UInt8](repeating: 1, count: 4096 - RecordHeader.byteCount)
                var count = 0
                // Borrowed for the call.
                while unsafe try outbound.trySend(RecordHeader(), RawSpan(), message.span.bytes) { count += 4096 }
                withExtendedLifetime(listener) {}
                return count
            }
            #expect(try accepted(131_072) - accepted(16_384) == 131_072 - 16_384)
        }
    }
}

/// What a lane still gives when nobody sends any more.
func cross(outbound: (any OutboundLane)?, _ inbound: (any InboundLane)?, count: Int) throws -> [[UInt8]] {
    let inbound = try #require(inbound)
    var found: [[UInt8]] = []
    while found.count < count {
        let taken = try inbound.drain(64) { record in
            found.append(Array(copying: record.bytes))
            return .take
        }
        if taken == 0 { break }
    }
    return found
}
