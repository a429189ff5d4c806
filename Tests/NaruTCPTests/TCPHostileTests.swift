// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

@testable import NaruTCP

/// Strangers at a listener's port.
@Suite(.serialized, .timeLimit(.minutes(2))) struct TCPHostileTests {
    private func connect(_ address: Address) throws -> Descriptor {
        let target = try #require(InetAddress("127.0.0.1", port: address.port))
        let socket = try TCPSocket.connect(to: target)
        _ = try socket.poll(.writable, deadline: .after(.seconds(30)))
        try TCPSocket.takeError(socket, "\(target)")
        return socket
    }

    /// Waits until the other end has closed; what it said before.
    private func readToEnd(_ socket: Descriptor) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            try #require(try !socket.poll(.readable, deadline: .after(.seconds(30))).isEmpty)
            do throws(SystemError) {
                guard let more = try socket.receive(upTo: 4096) else { return bytes }
                bytes += more
            } catch {
                return bytes  // A reset ends it too.
            }
        }
    }

    static let rubbish: [[UInt8]] = [
        Array("GET / HTTP/1.1\r\n\r\n".utf8), [0], [UInt8](repeating: 255, count: 4000),
        Array("NARU".utf8) + [0, 2, 1, 0],
        Array("NARU".utf8) + [0, 1, 9, 0], Array("NARU".utf8) + [0, 1, 1, 1],
        Preamble.lane(token: [UInt8](repeating: 0, count: 16)).bytes,
        Preamble.control.bytes + [255, 255, 255, 255], Preamble.control.bytes + [1, 0, 0, 0, 99],
        Preamble.control.bytes + [17, 0, 0, 0, 19] + [UInt8](repeating: 1, count: 16),
    ]

    @Test(arguments: rubbish) func rubbishIsShownTheDoor(_ bytes: [UInt8]) async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        let (listener, address) = try place.listen()
        let stranger = try connect(address)
        _ = try stranger.send(bytes)
        _ = try readToEnd(stranger)
        let (sender, receiver) = try await place.link(listener, address)
        try await sender.send([4])
        #expect(try await receiver.receive { $0.bytes.byteCount } == 1)
    }

    /// Connections that say nothing, or only what they are, keep nobody out.
    @Test(arguments: [[], Preamble.control.bytes]) func theSilentKeepNobodyOut(_ bytes: [UInt8]) async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        let (listener, address) = try place.listen()
        var strangers: [Descriptor] = []
        for _ in 0..<300 {
            let stranger = try connect(address)
            if !bytes.isEmpty { _ = try stranger.send(bytes) }
            strangers.append(stranger)
        }
        let (sender, receiver) = try await place.link(listener, address)
        try await sender.send([4])
        #expect(try await receiver.receive { $0.bytes.byteCount } == 1)
        withExtendedLifetime(strangers) {}
    }

    @Test func preamblesParseToThemselves() {
        let token = (0..<16).map(UInt8.init)
        for preamble in [Preamble.control, .lane(token: token)] {
            let bytes = preamble.bytes
            #expect(Preamble(bytes) == preamble)
            for count in 0..<bytes.count {
                #expect(Preamble(Array(bytes[..<count])) == nil || count == Preamble.headBytes)
                #expect(Preamble.byteCount(Array(bytes[..<count])) != nil)
            }
            for place in 0..<Preamble.headBytes {
                var other = bytes
                other[place] ^= 0x40
                #expect(Preamble.byteCount(other) == nil)
            }
        }
    }

    @Test func anOfferLeadsNowhereElse() throws {
        let met = try #require(InetAddress("192.0.2.1", port: 5))
        let own = try #require(InetAddress("127.0.0.1", port: 77))
        #expect(TCPOffer.address(TCPOffer.atMeeting, metAt: met) == met)
        #expect(TCPOffer.address(TCPOffer.atMeeting, metAt: nil) == nil)
        #expect(TCPOffer.address(TCPOffer.at(own), metAt: nil) == own)
        #expect(TCPOffer.address(TCPOffer.at(own), metAt: met) == nil)
        #expect(TCPOffer.address([5, 0, 1], metAt: nil) == nil)
    }
}
