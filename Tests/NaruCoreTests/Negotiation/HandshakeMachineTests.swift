// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import NaruCore

@Suite struct HandshakeMachineTests {
    @Test func bothEndsEstablishTheSameAgreement() throws {
        var talk = Conversation(end(.dialer), end(.listener))
        talk.run()
        let (dialed, decision) = try #require(talk.established[.dialer])
        let (listened, _) = try #require(talk.established[.listener])
        #expect(dialed == listened)
        #expect(dialed.transport == .sharedMemory)
        #expect(dialed.forward.count == 1 && dialed.backward.isEmpty)
        #expect(decision.chosen?.transport == .sharedMemory)
        #expect(talk.failures.isEmpty)
    }

    @Test(arguments: [Role.dialer, .listener])
    func anOpeningThatFailsFallsBackInTheSameConnect(where failing: Role) throws {
        var talk = Conversation(end(.dialer), end(.listener))
        talk.failing = [.sharedMemory: failing]
        talk.run()
        let (agreement, decision) = try #require(talk.established[.dialer])
        #expect(agreement.transport == .unixSocket)
        #expect(Set(talk.opened) == [.sharedMemory, .unixSocket] && talk.opened.count == 2)
        let lost = try #require(decision.candidates.first { $0.transport == .sharedMemory })
        #expect(lost.verdict == .refused)
        #expect(lost.reason.contains("no room"))
        #expect(talk.established[.listener]?.0 == agreement)
    }

    @Test func whenEveryCandidateFailsEachReasonIsTold() throws {
        var talk = Conversation(end(.dialer), end(.listener))
        talk.failing = [.sharedMemory: .listener, .unixSocket: .dialer]
        talk.run()
        let error = try #require(talk.failures[.dialer])
        #expect(error.code == .noTransport)
        #expect(error.reason.contains("shared-memory") && error.reason.contains("unix-socket"))
        #expect(talk.failures[.listener]?.code == .noTransport)
        #expect(talk.established.isEmpty)
    }

    @Test func versionsWithoutOverlapAreRefused() {
        var talk = Conversation(
            end(.dialer, versions: ClosedVersionRange(oldest: 2, newest: 3)), end(.listener))
        talk.run()
        #expect(talk.failures[.listener]?.code == .refused)
        #expect(talk.failures[.dialer]?.reason.contains("version") == true)
    }

    @Test func anUnknownRequiredFeatureIsRefused() {
        var talk = Conversation(end(.dialer, requires: ["teleport"]), end(.listener))
        talk.run()
        #expect(talk.failures[.dialer]?.reason.contains("teleport") == true)
    }

    @Test func twoSendersAreRefused() {
        var talk = Conversation(end(.dialer), end(.listener, sends: true))
        talk.run()
        #expect(talk.failures[.dialer]?.reason.contains("both ends want to send") == true)
    }

    @Test func aForcedCodecNeedsBothBuilds() throws {
        var without = Conversation(end(.dialer, compression: .forced("zstd"), codecs: ["zstd"]), end(.listener))
        without.run()
        #expect(without.failures[.dialer]?.code == .unsupported)
        #expect(without.failures[.listener] != nil)

        var with = Conversation(
            end(.dialer, codecs: ["zstd"]), end(.listener, compression: .forced("zstd", level: 3), codecs: ["zstd"]))
        with.run()
        let terms = try #require(with.established[.dialer]?.0.forward.first)
        #expect(terms == LaneTerms(transport: .sharedMemory, codec: "zstd", level: 3))
    }

    @Test func aRefusedPolicyNamesEveryCandidate() {
        var requirements = Requirements()
        requirements.transports = ["carrier-pigeon"]
        var talk = Conversation(end(.dialer, requirements: requirements), end(.listener))
        talk.run()
        #expect(talk.failures[.dialer]?.code == .noTransport)
        #expect(talk.failures[.dialer]?.reason.contains("carrier-pigeon") == true)
    }

    @Test func theListenerRefusesAProposalItWouldNotAccept() {
        var listener = HandshakeMachine(end(.listener))
        _ = listener.handle(.started)
        let dialer = end(.dialer)
        _ = listener.handle(.message(.hello(dialer.hello), sameUser: true))
        let terms = LaneTerms(transport: "tcp")
        let relation = Relation.between(dialer.hello.process, claim("listener"), sameUser: true, related: false)
        let forged = Agreement(
            link: .random(), forward: [terms], backward: [], requirements: Requirements(), relation: relation)
        let actions = listener.handle(
            .message(
                .propose(Proposal(agreement: forged, quote: CostQuote(source: "test", nanoseconds: [:]))),
                sameUser: true))
        guard case .send(.reject(let rejection)) = actions.first else {
            Issue.record("expected a rejection, got \(actions)")
            return
        }
        #expect(rejection.link == forged.link)
        #expect(rejection.reason.contains("tcp"))
    }

    @Test(arguments: 0..<5)
    func messagesOutOfOrderAreViolations(_ index: Int) {
        let dialer = end(.dialer)
        let relation = Relation.between(claim("a"), claim("b"), sameUser: true, related: false)
        let agreement = Agreement(
            link: .random(), forward: [LaneTerms(transport: .sharedMemory)], backward: [],
            requirements: Requirements(), relation: relation)
        let early: [ControlMessage] = [
            .propose(Proposal(agreement: agreement, quote: CostQuote(source: "test", nanoseconds: [:]))),
            .ready(agreement.link),
            .reject(Rejection(link: agreement.link, reason: "x")),
        ]
        var machine = HandshakeMachine(index < 3 ? end(.listener) : dialer)
        _ = machine.handle(.started)
        let message = index < 3 ? early[index] : early[index - 3]
        let actions = machine.handle(.message(message, sameUser: true))
        guard case .fail(let error) = actions.last else {
            Issue.record("expected a failure, got \(actions)")
            return
        }
        #expect(error.code == .protocolViolation)
    }

    @Test func aSecondHelloIsAViolation() {
        var machine = HandshakeMachine(end(.listener))
        _ = machine.handle(.started)
        _ = machine.handle(.message(.hello(end(.dialer).hello), sameUser: true))
        let actions = machine.handle(.message(.hello(end(.dialer).hello), sameUser: true))
        guard case .fail(let error) = actions.last else {
            Issue.record("expected a failure, got \(actions)")
            return
        }
        #expect(error.code == .protocolViolation)
    }

    @Test func oneImageIsTheSameProcess() throws {
        let records = [record(.inProcess, localities: [.sameProcess]), record(.sharedMemory)]
        var talk = Conversation(
            HandshakeMachine.End(
                role: .dialer, hello: end(.dialer, records: records).hello.with(claim("one")), costs: .shipped,
                related: false),
            HandshakeMachine.End(
                role: .listener, hello: end(.listener, records: records).hello.with(claim("one")), costs: .shipped,
                related: false))
        talk.run()
        #expect(talk.established[.dialer]?.0.transport == .inProcess)
    }
}

extension Hello {
    fileprivate func with(_ process: ProcessClaim) -> Hello {
        var copy = self
        copy.process = process
        return copy
    }
}
