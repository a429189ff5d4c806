// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruCore
import NaruSystem
import NaruUnixSocket
import Testing

/// What an end does that is not Naru, or is broken, or means harm: a typed error, and nothing left open.
@Suite struct UnixSocketHostileTests {
    private func outcome(_ tamper: @escaping (Role, OpeningMessage) -> OpeningMessage) throws -> NaruError.Code? {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        var pair = OpeningPair(UnixSocketTransport(), .duplex, reactor: reactor)
        pair.tamper = tamper
        do {
            _ = try pair.open()
            return nil
        } catch {
            return error.code
        }
    }

    private func changed(
        _ role: Role, _ change: @escaping (inout OpeningMessage) throws -> Void
    ) throws -> NaruError.Code? {
        var failure: (any Error)?
        let code = try outcome { from, message in
            var message = message
            do {
                if from == role { try change(&message) }
            } catch {
                failure = error
            }
            return message
        }
        if let failure { throw failure }
        return code
    }

    @Test func anUnchangedHandshakePasses() throws {
        #expect(try outcome { $1 } == nil)
    }

    @Test func descriptorsOfTheWrongNumberOrKindAreRefused() throws {
        #expect(try changed(.dialer) { $0.descriptors = [] } == .protocolViolation)
        #expect(try changed(.dialer) { $0.descriptors += $0.descriptors } == .protocolViolation)
        #expect(
            try changed(.dialer) { message in
                message.descriptors = try (0..<8).map { _ in try UnixSocket.pair(kind: .stream).0 }
            } == .protocolViolation)
        #expect(
            try changed(.dialer) {
                $0.descriptors = [try UnixSocket.pair(kind: .seqpacket).0]
            } == .protocolViolation)
        #expect(try changed(.dialer) { $0.descriptors = [try EventCounter().descriptor] } == .protocolViolation)
        #expect(
            try changed(.dialer) { $0.descriptors = [try SystemPipe.make(nonBlocking: true).reading] }
                == .protocolViolation)
        #expect(
            try changed(.dialer) {
                $0.descriptors = [try MemoryFile.create(name: "naru-test", byteCount: 4096)]
            } == .protocolViolation)
        #expect(
            try changed(.dialer) {
                let closed = try UnixSocket.pair(kind: .stream).0
                closed.close()
                $0.descriptors = [closed]
            } == .protocolViolation)
    }

    @Test func messagesThatAreNoneAreRefused() throws {
        for role in [Role.dialer, .listener] {
            #expect(try changed(role) { $0.bytes = [] } == .protocolViolation)
            #expect(try changed(role) { $0.bytes.removeLast() } == .protocolViolation)
            #expect(try changed(role) { $0.bytes.append(0) } == .protocolViolation)
            #expect(try changed(role) { $0.bytes[0] = 2 } == .protocolViolation)
            #expect(try changed(role) { $0.bytes[1] ^= 1 } == .protocolViolation)
            #expect(try changed(role) { $0.bytes[16] ^= 0x80 } == .protocolViolation)
            #expect(try changed(role) { $0.bytes = [UInt8](repeating: 255, count: 16_384) } == .protocolViolation)
        }
        #expect(try changed(.listener) { $0.bytes[32] ^= 1 } == .protocolViolation)
        #expect(try changed(.listener) { $0.descriptors = [try EventCounter().descriptor] } == .protocolViolation)
    }

    @Test func aSocketWithoutTheProofIsRefused() throws {
        #expect(
            try changed(.dialer) { message in
                // Another pair, of which the peer is gone.
                message.descriptors = [try UnixSocket.pair(kind: .stream).0]
            } == .peerVanished)
        // Another pair that holds bytes of the right number.
        let (mine, theirs) = try UnixSocket.pair(kind: .stream)
        let bytes = [UInt8](repeating: 9, count: 40)
        // Read only, and during the call.
        let written = unsafe try bytes.withUnsafeBytes {
            unsafe try mine.send($0, UnsafeRawBufferPointer(start: nil, count: 0))
        }
        #expect(written == .bytes(40))
        #expect(try changed(.dialer) { $0.descriptors = [theirs] } == .protocolViolation)
    }

    @Test func aSocketThatIsNotConnectedIsRefused() throws {
        let path = "/tmp/naru-test-\(SystemRandom.word())"
        defer { try? FileSystem.remove(path) }
        let listener = try UnixSocket.listen(path: path, backlog: 1, permissions: 0o600)
        #expect(try changed(.dialer) { $0.descriptors = [listener] } == .system)
    }

    @Test func aProofInPiecesIsWaitedFor() throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        let pair = OpeningPair(UnixSocketTransport(), .simplex, reactor: reactor)
        let dialer = try pair.transport.open(pair.request(.dialer))
        let listener = try pair.transport.open(pair.request(.listener))
        guard case .send(var message) = try dialer.advance(.proceed), case .receive = try listener.advance(.proceed),
            let passed = message.descriptors.first
        else {
            Issue.record("the dialer speaks first")
            return
        }
        // The dialer's own record, fed to the listener byte by byte through another pair.
        var record = [UInt8](repeating: 0, count: 40)
        // Written only during the call.
        let read = unsafe try record.withUnsafeMutableBytes { unsafe try passed.receive(into: $0) }
        #expect(read == .bytes(40))
        let (mine, theirs) = try UnixSocket.pair(kind: .stream)
        message.descriptors = [theirs]
        var step = try listener.advance(.message(message))
        for byte in record {
            guard case .wait(_, let events) = step else {
                Issue.record("the proof was not whole yet")
                return
            }
            #expect(events == .readable)
            let written = unsafe try [byte].withUnsafeBytes {
                unsafe try mine.send($0, UnsafeRawBufferPointer(start: nil, count: 0))
            }
            #expect(written == .bytes(1))
            step = try listener.advance(.proceed)
        }
        guard case .send(let answer) = step else {
            Issue.record("a whole proof is answered")
            return
        }
        #expect(Array(answer.bytes[1...16]) == Array(record.suffix(16)))
    }

    @Test func stepsOutOfOrderAreRefused() throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        let pair = OpeningPair(UnixSocketTransport(), .simplex, reactor: reactor)
        let dialer = try pair.transport.open(pair.request(.dialer))
        let listener = try pair.transport.open(pair.request(.listener))
        #expect(throws: NaruError.self) { try dialer.advance(.message(OpeningMessage(bytes: [1]))) }
        #expect(throws: NaruError.self) { try listener.advance(.message(OpeningMessage(bytes: [1]))) }
    }
}
