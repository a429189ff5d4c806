// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruAnonymousPipe
import NaruConformance
import NaruCore
import NaruStream
import NaruSystem
import Testing

@Suite struct AnonymousPipeTransportTests {
    @Test func theRecordSaysWhatItCan() {
        let record = AnonymousPipeTransport().probe()
        #expect(record.transport == .pipe)
        #expect(record.availability == .available)
        #expect(record.localities == [.sameProcess, .relatedProcess])
        #expect(Set(record.directions) == [.simplex, .duplex])
        #expect(record.maximumRecordBytes == StreamFormat.maximumPipeRecordBytes)
    }

    @Test(arguments: [(Direction.simplex, true), (.simplex, false), (.duplex, true)])
    func messagesCross(_ shape: (direction: Direction, isForward: Bool)) throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        let pair = OpeningPair(AnonymousPipeTransport(), shape.direction, isForward: shape.isForward, reactor: reactor)
        let (dialer, listener) = try pair.open()
        let messages: [[UInt8]] = [[], [1], [UInt8](repeating: 7, count: 200_000), [2, 3]]
        if shape.isForward { #expect(try OpeningPair.cross(dialer.outbound, listener.inbound, messages) == messages) }
        if shape.direction == .duplex || !shape.isForward {
            #expect(try OpeningPair.cross(listener.outbound, dialer.inbound, messages) == messages)
        }
        dialer.outbound?.close()
        listener.outbound?.close()
        if let inbound = listener.inbound { #expect(try OpeningPair.hasEnded(inbound)) }
        if let inbound = dialer.inbound { #expect(try OpeningPair.hasEnded(inbound)) }
    }

    @Test func aSenderWithoutAReaderIsTold() throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        let (dialer, listener) = try OpeningPair(AnonymousPipeTransport(), .simplex, reactor: reactor).open()
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

    @Test func endsOfTheWrongKindAreRefused() throws {
        func changed(_ change: @escaping (inout OpeningMessage) throws -> Void) throws -> NaruError.Code? {
            let reactor = try Reactor(name: "test")
            defer { reactor.shutdown() }
            var pair = OpeningPair(AnonymousPipeTransport(), .duplex, reactor: reactor)
            var failure: (any Error)?
            pair.tamper = { role, message in
                var message = message
                do { if role == .dialer { try change(&message) } } catch { failure = error }
                return message
            }
            defer { if let failure { Issue.record(failure) } }
            do {
                _ = try pair.open()
                return nil
            } catch {
                return error.code
            }
        }
        #expect(try changed { _ in } == nil)
        #expect(try changed { $0.descriptors.reverse() } == .protocolViolation)
        #expect(try changed { $0.descriptors.removeLast() } == .protocolViolation)
        #expect(try changed { $0.descriptors += $0.descriptors } == .protocolViolation)
        #expect(try changed { $0.descriptors[0] = try UnixSocket.pair(kind: .stream).0 } == .protocolViolation)
        #expect(
            try changed { $0.descriptors[0] = try SystemPipe.make(nonBlocking: false).reading } == .protocolViolation)
        // Others, of which the peer is gone.
        #expect(try changed { $0.descriptors[0] = try SystemPipe.make(nonBlocking: true).reading } == .peerVanished)
        #expect(try changed { $0.descriptors[1] = try SystemPipe.make(nonBlocking: true).writing } == .peerVanished)
        #expect(try changed { $0.bytes[1] ^= 1 } == .protocolViolation)
        #expect(try changed { $0.bytes.append(0) } == .protocolViolation)
    }
}
