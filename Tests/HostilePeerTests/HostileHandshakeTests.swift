// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@testable import NaruCore

/// What a peer does wrong in a handshake, at each of its messages: it is turned away, and others are not.
@Suite(.serialized, .timeLimit(.minutes(3))) struct HostileHandshakeTests {
    /// A fault, and what becomes of the message that it befalls.
    struct Fault: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let change: @Sendable (RawEnd, RawEnd.Outgoing) throws -> [RawEnd.Outgoing]

        init(
            _ name: String, _ change: @escaping @Sendable (RawEnd, RawEnd.Outgoing) throws -> [RawEnd.Outgoing]
        ) {
            testDescription = name
            self.change = change
        }
    }

    static let faults = [
        Fault("cut in half, then a hang-up") { raw, outgoing in
            var half = outgoing
            half.bytes.removeLast(half.bytes.count / 2)
            try raw.send(half)
            raw.socket.shutdownWrite()
            return []
        },
        Fault("not even begun, then a hang-up") { raw, _ in
            raw.socket.shutdownWrite()
            return []
        },
        Fault("of another type") { _, outgoing in
            var other = outgoing
            other.bytes[4] = 99
            return [other]
        },
        Fault("longer than any may be") { _, outgoing in
            var other = outgoing
            other.bytes.replaceSubrange(0..<4, with: [1, 0, 1, 0])
            return [other]
        },
        Fault("random") { _, outgoing in
            var other = outgoing
            other.bytes.replaceSubrange(4..., with: SystemRandom.bytes(other.bytes.count - 4))
            return [other]
        },
        Fault("sent twice") { _, outgoing in [outgoing, outgoing] },
        Fault("behind a HELLO of three bytes") { _, outgoing in
            [.init(bytes: [3, 0, 0, 0] + Array("{}\n".utf8)), outgoing]
        },
        Fault("with 253 descriptors") { _, outgoing in
            var other = outgoing
            other.descriptors = try descriptors(253)
            return [other]
        },
        Fault("with a descriptor nobody announced") { _, outgoing in
            var other = outgoing
            other.descriptors += try descriptors(1)
            return [other]
        },
    ]

    static func descriptors(_ count: Int) throws -> [Descriptor] {
        Array(repeating: try FileSystem.open("/dev/null", [.read, .write]), count: count)
    }

    /// What all the others change.
    @Test(arguments: Victim.transports, [Role.dialer, .listener])
    func anHonestHandshakePasses(_ transport: TransportName, _ role: Role) throws {
        let victim = try Victim(transport)
        try victim.meet(role) { raw in
            try raw.run()
            #expect(raw.isUp)
            #expect(!raw.isRejected)
            #expect((raw.lanes.outbound != nil) == (role == .dialer))
        }
    }

    @Test(arguments: faults, Victim.transports)
    func aFaultAtEachMessageIsTurnedAway(_ fault: Fault, _ transport: TransportName) async throws {
        let victim = try Victim(transport)
        for role in [Role.dialer, .listener] {
            var count = 0
            try victim.meet(role) { raw in
                try raw.run()
                count = raw.sent
            }
            #expect(count >= 2)
            for number in 0..<count {
                try victim.meet(role) { raw in
                    var failure: (any Error)?
                    raw.tamper = { [unowned raw] index, outgoing in
                        guard index == number else { return [outgoing] }
                        do {
                            return try fault.change(raw, outgoing)
                        } catch {
                            failure = error
                            return []
                        }
                    }
                    try raw.run()
                    if let failure { throw failure }
                    #expect(try raw.isTurnedAway(), "the \(role)'s message \(number)")
                }
            }
        }
        try await victim.expectUnharmed()
    }

    /// Every byte of the length and of the beginning of HELLO, with each value.
    @Test func everyByteOfTheBeginningWithEachValue() async throws {
        let victim = try Victim(.sharedMemory)
        var hello: [UInt8] = []
        try victim.meet(.dialer) { raw in
            raw.tamper = { number, outgoing in
                if number == 0 { hello = outgoing.bytes }
                return [outgoing]
            }
            try raw.run()
        }
        let listener = try victim.runtime.listener(victim.address)
        for index in 0..<6 {
            for value in 0...255 as ClosedRange<UInt8> where value != hello[index] {
                let raw = try victim.dialer()
                var changed = RawEnd.Outgoing(bytes: hello)
                changed.bytes[index] = value
                try raw.send(changed)
                // A greater length waits for more, and gets the end.
                raw.socket.shutdownWrite()
                #expect(try raw.isTurnedAway(), "byte \(index): \(value)")
                raw.close()
            }
        }
        listener.close()
        try await victim.expectUnharmed()
    }

    /// One byte a second is a peer like any other, until the handshake's time is over; it holds up nobody.
    @Test func oneByteASecondIsGivenUp() async throws {
        let victim = try Victim(.unixSocket)
        let listener = try victim.runtime.listener(victim.address)
        let raw = try victim.dialer()
        // A frame of 200 bytes, of which 30 come. The pause is the fault itself, and ends when the listener hangs up.
        let bytes: [UInt8] = [200, 0, 0, 0] + Array(repeating: UInt8(ascii: "{"), count: 26)
        var sent = 0
        for byte in bytes {
            guard try raw.send(.init(bytes: [byte])) else { break }
            sent += 1
            if sent == 2 { try await victim.expectUnharmed() }
            if try !raw.socket.poll(.readable, deadline: .after(.seconds(1))).isEmpty { break }
        }
        #expect(sent > 4, "it was given up for another reason")
        #expect(sent < bytes.count)
        #expect(try raw.isTurnedAway())
        raw.close()
        listener.close()
    }

    /// A peer that makes the listener answer and never reads the answers: what waits to be sent does not keep the
    /// connection when the handshake is over, or a thousand of them would use up the descriptors.
    @Test func aPeerThatNeverReadsItsRefusalsIsLetGo() async throws {
        let victim = try Victim(.sharedMemory)
        var said: [RawEnd.Outgoing] = []
        try victim.meet(.dialer) { raw in
            raw.tamper = { _, outgoing in
                said.append(outgoing)
                return [outgoing]
            }
            try raw.run()
            var proposal = try #require(raw.proposal)
            proposal.agreement.forward = []
            said[1] = try RawEnd.Outgoing(.message(.propose(proposal)))
        }
        let listener = try victim.runtime.listener(victim.address)
        let raw = try victim.dialer()
        try raw.send(said[0])
        for _ in 0..<800 { try raw.send(said[1]) }
        // Out of order: the handshake is over.
        try raw.send(said[0])
        let events = try raw.socket.poll([], deadline: .after(.seconds(20)))
        #expect(events.contains(.hangUp))
        raw.close()
        listener.close()
        try await victim.expectUnharmed()
    }

    /// A peer that is allowed to say something says it for ever.
    @Test(arguments: Victim.transports)
    func aFloodOfOpeningMessagesIsBounded(_ transport: TransportName) async throws {
        let victim = try Victim(transport)
        let listener = try victim.runtime.listener(victim.address)
        let raw = try victim.dialer()
        var flood = 0
        raw.tamper = { number, outgoing in
            guard number == 2, let link = raw.agreement?.link else { return [outgoing] }
            do {
                let more = try RawEnd.Outgoing(.opening(link, Array(repeating: 1, count: 16_384), descriptorCount: 0))
                while flood < 4096, try raw.send(more) { flood += 1 }
            } catch {
                Issue.record(error)
            }
            return [outgoing]
        }
        try raw.run()
        raw.tamper = { [$1] }
        #expect(flood < 4096, "64 MiB of opening messages were taken")
        #expect(try raw.isTurnedAway())
        raw.close()
        listener.close()
        try await victim.expectUnharmed()
    }
}
