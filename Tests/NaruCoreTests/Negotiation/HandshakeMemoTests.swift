// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import FoundationEssentials
import Testing

@testable import NaruCore

/// What was said and heard before is not encoded and decoded again, and is the same as if it were.
@Suite struct HandshakeMemoTests {
    private static func hello(_ name: String) -> Hello { end(.dialer, name: name).hello }

    private static func decoded(_ body: [UInt8]) throws -> ControlMessage {
        try JSONDecoder().decode(ControlMessage.self, from: Data(body))
    }

    private static func proposal(_ link: LinkID) -> Proposal {
        let requirements = Requirements(messageBytes: 100)
        let relation = Relation(locality: .sameHost, sameUser: true, sharedNamespaces: ["ipc"])
        let terms = LaneTerms(transport: .sharedMemory, codec: nil, level: nil)
        return Proposal(
            agreement: Agreement(
                link: link, forward: [terms], backward: [], requirements: requirements, relation: relation),
            quote: Selector.quote(
                requirements, local: [record(.sharedMemory)], remote: [record(.sharedMemory)], costs: .shipped))
    }

    @Test func aHelloSaidAgainIsTheSameJSON() throws {
        let memo = HandshakeMemo()
        for name in ["frames", "frames", "others", "a-1"] {
            let hello = Self.hello(name)
            #expect(try Self.decoded(try memo.body(hello)) == .hello(hello))
        }
        var other = Self.hello("frames")
        other.requirements.wait = .power
        (other.sends, other.receives) = (other.receives, other.sends)
        #expect(try Self.decoded(try memo.body(other)) == .hello(other))
    }

    @Test func aNameThatNeedsEscapesIsEncodedWhole() throws {
        let memo = HandshakeMemo()
        for name in ["", "a\"b", "ü", "A"] {
            #expect(try Self.decoded(try memo.body(Self.hello(name))) == .hello(Self.hello(name)))
        }
    }

    @Test func aHelloHeardAgainIsFoundUnderEveryName() throws {
        let (speaker, listener) = (HandshakeMemo(), HandshakeMemo())
        let first = try speaker.body(Self.hello("frames"))
        #expect(listener.hello(first[...]) == nil)
        _ = try ControlFrame(body: first[...], listener)
        #expect(listener.hello(first[...]) == Self.hello("frames"))
        let second = try speaker.body(Self.hello("others"))
        #expect(listener.hello(second[...]) == Self.hello("others"))
        // Another process, other terms.
        var stranger = Self.hello("frames")
        stranger.process.processID += 1
        let third = try HandshakeMemo().body(stranger)
        #expect(listener.hello(third[...]) == nil)
        guard case .message(.hello(let heard)) = try ControlFrame(body: third[...], listener) else {
            Issue.record("no HELLO")
            return
        }
        #expect(heard == stranger)
    }

    /// A peer that names the link twice, plainly or with escapes: what the memo says is what the decoder says.
    @Test(arguments: [#""name":"second","#, #""n\u0061me":"second","#, #""name":"frames","#])
    func aSecondNameIsNotRemembered(_ field: String) throws {
        let memo = HandshakeMemo()
        let plain = String(decoding: try memo.body(Self.hello("frames")), as: UTF8.self)
        for (name, place) in [("frames", "versions"), ("others", "versions"), ("second", "versions")] {
            let text = plain.replacing("frames", with: name)
                .replacing("\"\(place)\"", with: field + "\"\(place)\"")
            let body = Array(text.utf8)
            let expected = try? Self.decoded(body)
            for _ in 0..<2 {
                let read = try? ControlFrame(body: body[...], memo)
                #expect(read == expected.map { .message($0) })
            }
        }
    }

    @Test func aProposalKeepsItsLink() throws {
        let (speaker, listener) = (HandshakeMemo(), HandshakeMemo())
        for number in 1...3 as ClosedRange<UInt64> {
            let proposal = Self.proposal(LinkID(high: number, low: 7))
            let frame = ControlFrame.message(.propose(proposal))
            let bytes = try frame.encoded(speaker)
            #expect(try ControlFrame(body: bytes[4...], listener) == frame)
        }
    }

    @Test func memoryIsBounded() throws {
        let memo = HandshakeMemo()
        for process in 0..<1000 as Range<Int32> {
            var hello = Self.hello("frames")
            hello.process.processID = process
            let body = try HandshakeMemo().body(hello)
            _ = try ControlFrame(body: body[...], memo)
            #expect(memo.hello(body[...]) == hello)
        }
        #expect(memo.count <= 4 * HandshakeMemo.maximumEntries)
        var large = Self.hello("frames")
        large.codecs = Array(repeating: "zstd", count: 5_000)
        let body = try HandshakeMemo().body(large)
        _ = try ControlFrame(body: body[...], memo)
        #expect(memo.hello(body[...]) == nil)
    }
}
