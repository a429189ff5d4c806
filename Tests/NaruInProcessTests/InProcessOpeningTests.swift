// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

@testable import NaruInProcess

/// The meeting of the two ends.
@Suite struct InProcessOpeningTests {
    let bell: TestBell
    let agreement = TestLink.agreement(duplex: true)
    let reactor: Reactor

    init() throws {
        bell = try TestBell()
        reactor = try Reactor(name: "test")
    }

    private func open(_ role: Role, _ other: Agreement? = nil) throws -> any Opening {
        try InProcessTransport().open(TestLink.request(other ?? agreement, role, bell, bell, reactor))
    }

    /// The message and the key of a dialer that has said its token.
    private func told(_ dialer: any Opening) throws -> (message: OpeningMessage, key: MeetingTable.Key) {
        guard case .send(let message) = try dialer.advance(.proceed) else { throw OpeningPair.Failure.stuck }
        let token = try #require(Token(message.bytes))
        return (message, MeetingTable.Key(link: agreement.link, token: token))
    }

    @Test func bothEndsGetTheirLanes() throws {
        var pair = OpeningPair(dialer: try open(.dialer), listener: try open(.listener))
        let (dialer, listener) = try pair.run()
        #expect(try #require(dialer.outbound).trySend([1]))
        #expect(try #require(listener.inbound).take().map(\.bytes) == [[1]])
        #expect(try #require(listener.outbound).trySend([2]))
        #expect(try #require(dialer.inbound).take().map(\.bytes) == [[2]])
    }

    @Test func aSimplexLinkHasOneLaneEach() throws {
        let link = try TestLink()
        #expect(link.dialer.outbound != nil && link.dialer.inbound == nil)
        #expect(link.listener.outbound == nil && link.listener.inbound != nil)
    }

    @Test func theTableHoldsTheMeetingUntilItIsTaken() throws {
        let dialer = try open(.dialer)
        let listener = try open(.listener)
        let (message, key) = try told(dialer)
        #expect(MeetingTable.contains(key))
        _ = try listener.advance(.proceed)
        _ = try listener.advance(.message(message))
        #expect(!MeetingTable.contains(key))
    }

    @Test func droppingTheDialerLeavesTheTableEmpty() throws {
        var dialer: (any Opening)? = try open(.dialer)
        let (message, key) = try told(#require(dialer))
        dialer = nil
        #expect(!MeetingTable.contains(key))
        let listener = try open(.listener)
        _ = try listener.advance(.proceed)
        #expect(code { _ = try listener.advance(.message(message)) } == .refused)
    }

    @Test func droppingTheDialerAfterTheListenerJoinedEndsItsLanes() throws {
        var dialer: (any Opening)? = try open(.dialer)
        let listener = try open(.listener)
        let (message, _) = try told(#require(dialer))
        _ = try listener.advance(.proceed)
        _ = try listener.advance(.message(message))
        guard case .done(let lanes) = try listener.advance(.proceed) else { throw OpeningPair.Failure.stuck }
        dialer = nil
        #expect(try #require(lanes.inbound).arm(.task).name == "ended")
        #expect(code { _ = try lanes.outbound?.trySend([1]) } == .peerVanished)
    }

    @Test func droppingTheListenerAfterItJoinedEndsTheDialersLanes() throws {
        let dialer = try open(.dialer)
        var listener: (any Opening)? = try open(.listener)
        let (message, _) = try told(dialer)
        _ = try listener?.advance(.proceed)
        guard case .send(let answer) = try listener?.advance(.message(message)) else {
            throw OpeningPair.Failure.stuck
        }
        listener = nil
        _ = try dialer.advance(.proceed)
        guard case .done(let lanes) = try dialer.advance(.message(answer)) else { throw OpeningPair.Failure.stuck }
        #expect(try #require(lanes.inbound).arm(.task).name == "ended")
        #expect(code { _ = try lanes.outbound?.trySend([1]) } == .peerVanished)
    }

    @Test func anAbsentTokenIsRefused() throws {
        let listener = try open(.listener)
        _ = try listener.advance(.proceed)
        let error = #expect(throws: NaruError.self) {
            _ = try listener.advance(.message(OpeningMessage(bytes: Token.random().bytes)))
        }
        #expect(error?.code == .refused)
        #expect(error?.reason == "the peer is not in this process")
    }

    @Test func aTokenOfAnotherLinkIsRefused() throws {
        let dialer = try open(.dialer)
        let (message, key) = try told(dialer)
        let listener = try open(.listener, TestLink.agreement())
        _ = try listener.advance(.proceed)
        #expect(code { _ = try listener.advance(.message(message)) } == .refused)
        #expect(MeetingTable.contains(key))
    }

    @Test func aTokenIsTakenOnce() throws {
        let dialer = try open(.dialer)
        let (message, _) = try told(dialer)
        let listeners = [try open(.listener), try open(.listener)]
        for listener in listeners { _ = try listener.advance(.proceed) }
        _ = try listeners[0].advance(.message(message))
        #expect(code { _ = try listeners[1].advance(.message(message)) } == .refused)
    }

    @Test func theDialerDoesNotBelieveAnAnswerWithoutTheProof() throws {
        let dialer = try open(.dialer)
        _ = try told(dialer)
        _ = try dialer.advance(.proceed)
        #expect(code { _ = try dialer.advance(.message(OpeningMessage(bytes: [1]))) } == .refused)
    }

    @Test(arguments: [0, 1, 15, 17, 16384])
    func aMessageOfTheWrongSizeIsAViolation(byteCount: Int) throws {
        let listener = try open(.listener)
        _ = try listener.advance(.proceed)
        let message = OpeningMessage(bytes: [UInt8](repeating: 1, count: byteCount))
        #expect(code { _ = try listener.advance(.message(message)) } == .protocolViolation)
    }

    @Test func aMessageWithADescriptorIsAViolation() throws {
        let dialer = try open(.dialer)
        var (message, key) = try told(dialer)
        message.descriptors = [try EventCounter().descriptor]
        let listener = try open(.listener)
        _ = try listener.advance(.proceed)
        #expect(code { _ = try listener.advance(.message(message)) } == .protocolViolation)
        #expect(MeetingTable.contains(key))
    }

    @Test func messagesOutOfOrderAreViolations() throws {
        let message = OpeningMessage(bytes: Token.random().bytes)
        let dialer = try open(.dialer)
        #expect(code { _ = try dialer.advance(.message(message)) } == .protocolViolation)
        let listener = try open(.listener)
        #expect(code { _ = try listener.advance(.message(message)) } == .protocolViolation)
    }

    @Test func aTokenSurvivesItsBytes() {
        for _ in 0..<100 {
            let token = Token.random()
            #expect(token.bytes.count == 16)
            #expect(Token(token.bytes) == token)
        }
        #expect(Token.random() != Token.random())
    }
}
