// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The handshake of one connection as a pure machine: events in, actions out, no system call. Both roles.
///
///      dialer                                   listener
///      HELLO  ────────────────────────────────▶  checks, answers
///             ◀────────────────────────────────  HELLO
///      decides
///      propose(candidate) ────────────────────▶  checks that it would accept
///      opening messages of the plugin ◀───────▶  opening messages of the plugin
///      ready  ◀───────────────────────────────▶  ready                        both: the link is up
///      or, when either's opening fails:
///      reject(reason) ◀───────────────────────▶  and the dialer proposes its next candidate, inside the same connect
///
/// Each attempt has a link id of its own, so that a message of an abandoned one is told from the current.
struct HandshakeMachine: Sendable {
    /// What this end brings.
    struct End: Sendable {
        var role: Role
        var hello: Hello
        var costs: CostTable
        /// Whether one of the two ends started the other.
        var related: Bool
        /// Whether the connection leads over a network.
        var isRemote = false
    }

    /// What happened.
    enum Event: Sendable {
        case started
        /// A message came; with the first comes what the kernel says of its sender's user.
        case message(ControlMessage, sameUser: Bool)
        /// The peer's opening sent something for this link.
        case opening(LinkID)
        /// This end's opening is done, or failed.
        case opened
        case openingFailed(NaruError)
    }

    /// What to do, in order.
    enum Action: Sendable {
        case send(ControlMessage)
        /// Open the lanes of the agreement; drop an earlier opening.
        case open(Agreement)
        /// Give the opening message just received to the opening.
        case deliver
        case abandonOpening
        /// The link is up.
        case establish(Agreement, Decision)
        case fail(NaruError)
        /// Something odd that a log should show.
        case note(String)
    }

    private enum State: Sendable {
        case idle
        case awaitingHello
        case awaitingProposal
        case opening(Agreement, own: Bool, peer: Bool)
        case ended
    }

    private let end: End
    private var state = State.idle
    private var peer: Hello?
    private var relation: Relation?
    private var merged: Requirements?
    /// What this end decided: a dialer when it has met the peer, a listener from the costs that a proposal quotes.
    private var decision: Decision?
    /// The costs that a dialer decided from.
    private var quote: CostQuote?
    /// Why the two ends, which met over a network, did not come together on one host, as this end found.
    var apart: String?
    private var failures: [(transport: TransportName, reason: String, remedy: String)] = []

    init(_ end: End) {
        self.end = end
    }

    /// Whether the peer has said who it is.
    var isAcquainted: Bool { peer != nil }

    /// When the peer's process started, as it says.
    var peerStartTime: UInt64 { peer?.process.startTime ?? 0 }

    mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .started:
            state = .awaitingHello
            return end.role == .dialer ? [.send(.hello(end.hello))] : []
        case .message(let message, let sameUser):
            return handle(message, sameUser: sameUser)
        case .opening(let link):
            if case .opening(let agreement, _, _) = state, agreement.link == link { return [.deliver] }
            return []
        case .opened:
            guard case .opening(let agreement, _, let peerIsReady) = state else { return [] }
            state = .opening(agreement, own: true, peer: peerIsReady)
            return [.send(.ready(agreement.link))] + establishIfBothReady()
        case .openingFailed(let error):
            guard case .opening(let agreement, _, _) = state else { return [] }
            let rejection = Rejection(link: agreement.link, reason: error.reason, remedy: error.remedy)
            return [.send(.reject(rejection))] + next(after: agreement, "\(error)", error.remedy ?? "see the reason")
        }
    }

    private mutating func handle(_ message: ControlMessage, sameUser: Bool) -> [Action] {
        switch (message, state) {
        case (.refuse(let refusal), _):
            return fail(Self.error(refusal, name: end.hello.name))
        case (.hello(let hello), .awaitingHello):
            return meet(hello, sameUser: sameUser)
        case (.propose(let proposal), .awaitingProposal):
            return consider(proposal)
        case (.ready(let link), .opening(let agreement, let own, _)):
            guard agreement.link == link else { return [] }
            state = .opening(agreement, own: own, peer: true)
            return establishIfBothReady()
        case (.reject(let rejection), .opening(let agreement, _, _)):
            guard agreement.link == rejection.link else { return [] }
            return [.abandonOpening]
                + next(
                    after: agreement, "on the peer's side: \(rejection.reason)", rejection.remedy ?? "see the reason")
        case (.reject, .awaitingProposal), (.ready, .awaitingProposal):
            return []  // They cross with this end's rejection of the same attempt.
        default:
            return violation("a message out of order")
        }
    }

    /// Checks the peer's HELLO and answers: the listener with its own, the dialer with a proposal.
    private mutating func meet(_ hello: Hello, sameUser: Bool) -> [Action] {
        var hello = hello
        // A record that is not valid is a mechanism the peer does not have; it hides no other.
        hello.records = hello.records.filter { (try? $0.validated()) != nil }
        peer = hello
        guard hello.versions.highestCommon(end.hello.versions) != nil else {
            return refuse(
                .version,
                "it speaks protocol versions \(hello.versions.oldest) to \(hello.versions.newest), "
                    + "this end \(end.hello.versions.oldest) to \(end.hello.versions.newest)",
                "use one release of Naru at both ends")
        }
        if let unknown = hello.requires.first {
            return refuse(.requirement, "it requires `\(unknown)`, which this end does not have", "update this end")
        }
        guard hello.name == end.hello.name else {
            return refuse(.requirements, "it asks for link `\(hello.name)`, this is `\(end.hello.name)`", nil)
        }
        guard hello.sends != end.hello.sends || (hello.sends && hello.receives && end.hello.receives) else {
            let both = hello.sends ? "both ends want to send" : "both ends want to receive"
            return refuse(.requirements, both, "let one end send and the other receive, or use a channel at both")
        }
        do {
            _ = try hello.requirements.validated()
        } catch {
            return violation("a request that is not valid: \(error)")
        }
        let relation = Relation.between(
            end.hello.process, hello.process, sameUser: sameUser, related: end.related, isRemote: end.isRemote,
            apart: apart)
        self.relation = relation
        do {
            merged =
                end.role == .dialer
                ? try Requirements.merge(dialer: end.hello.requirements, listener: hello.requirements)
                : try Requirements.merge(dialer: hello.requirements, listener: end.hello.requirements)
        } catch {
            return refuse(.requirements, String(describing: error), nil)
        }
        guard let merged else { return [] }
        switch end.role {
        case .listener:
            state = .awaitingProposal
            return [.send(.hello(end.hello))]
        case .dialer:
            let pairings = Pairing.all(
                local: end.hello.records, remote: hello.records, named: merged.transports ?? [])
            let quote = Selector.quote(merged, pairings, costs: end.costs)
            self.quote = quote
            decision = Selector.decide(
                merged, relation: relation, pairings: pairings, quote: quote, ways: [.negotiated])
            return propose()
        }
    }

    /// The dialer proposes the decision's best remaining candidate.
    private mutating func propose() -> [Action] {
        guard let decision, let quote, let merged, let relation, let peer else {
            return violation("a proposal before HELLO")
        }
        guard let chosen = decision.chosen else {
            let refusal = HandshakeRefusal(code: .noTransport, reason: decision.refusals, remedy: nil)
            state = .ended
            return [
                .send(.refuse(refusal)),
                .fail(
                    NaruError(
                        .noTransport, operation: "connect", object: end.hello.name,
                        reason: "no transport is valid: \(decision.refusals)")),
            ]
        }
        let terms: LaneTerms
        var notes: [Action] = []
        switch settleCodec(with: peer) {
        case .success(let codec):
            let refusal = historyRefusal(on: chosen.transport, with: peer, merged)
            terms = LaneTerms(
                transport: chosen.transport, codec: codec?.codec, level: codec?.level,
                history: codec != nil && refusal == nil)
            if codec != nil, let refusal { notes = [.note("each message is compressed by itself: \(refusal)")] }
        case .failure(let error):
            state = .ended
            let refusal = HandshakeRefusal(code: .requirements, reason: error.reason, remedy: error.remedy)
            return [.send(.refuse(refusal)), .fail(error)]
        }
        let agreement = Agreement(
            link: .random(), forward: end.hello.sends ? [terms] : [], backward: end.hello.receives ? [terms] : [],
            requirements: merged, relation: relation)
        state = .opening(agreement, own: false, peer: false)
        return notes + [.send(.propose(Proposal(agreement: agreement, quote: quote))), .open(agreement)]
    }

    private func historyRefusal(
        on transport: TransportName, with peer: Hello, _ merged: Requirements
    ) -> String? {
        let (dialer, listener) = end.role == .dialer ? (end.hello, peer) : (peer, end.hello)
        return HistoryRule.refusal(dialer: dialer, listener: listener, on: transport, merged)
    }

    private func settleCodec(with peer: Hello) -> Result<Compression?, NaruError> {
        let dialer = end.hello.compression
        guard let wanted = Compression.settle(dialer: dialer, listener: peer.compression), let codec = wanted.codec
        else { return .success(nil) }
        for (who, codecs) in [("this end's build", end.hello.codecs), ("the peer's build", peer.codecs)]
        where !codecs.contains(codec) {
            return .failure(
                NaruError(
                    .unsupported, operation: "connect", object: end.hello.name,
                    reason: "compression `\(codec)` is asked for, and \(who) does not have it",
                    remedy: "build with the package trait of that codec, or set compression to auto"))
        }
        return .success(wanted)
    }

    /// The listener checks a proposal: it recomputes the decision from the dialer's own costs.
    private mutating func consider(_ proposal: Proposal) -> [Action] {
        guard let merged, let peer, let relation else { return violation("a proposal before HELLO") }
        let agreement = proposal.agreement
        func reject(_ reason: String) -> [Action] {
            [.send(.reject(Rejection(link: agreement.link, reason: reason, remedy: nil)))]
        }
        let lanes = agreement.forward + agreement.backward
        guard agreement.forward.count == (peer.sends ? 1 : 0), agreement.backward.count == (peer.receives ? 1 : 0),
            let first = lanes.first, lanes.allSatisfy({ $0 == first })
        else { return reject("the lanes proposed are not those that the link's direction needs") }
        guard agreement.requirements == merged else { return reject("the merged request differs from this end's") }
        do {
            _ = try proposal.quote.validated()
        } catch {
            return violation("a quote of costs that is not valid: \(error)")
        }
        var decision = Selector.decide(
            merged, relation: relation, local: peer.records, remote: end.hello.records, quote: proposal.quote,
            ways: [.negotiated])
        for failure in failures {
            decision.recordFailure(of: failure.transport, reason: failure.reason, remedy: failure.remedy)
        }
        self.decision = decision
        guard let candidate = decision.candidates.first(where: { $0.transport == first.transport }) else {
            return reject("this end has no `\(first.transport)`")
        }
        guard candidate.verdict != .refused else { return reject(candidate.reason) }
        if let codec = first.codec, !end.hello.codecs.contains(codec) {
            return reject("this end has no codec `\(codec)`")
        }
        if first.history {
            if first.codec == nil { return reject("history without a codec") }
            if let refusal = historyRefusal(on: first.transport, with: peer, merged) {
                return reject("history is proposed: \(refusal)")
            }
        }
        state = .opening(agreement, own: false, peer: false)
        let note = "the dialer proposes \(first.transport), this end computes \(decision.chosen?.transport ?? "none")"
        return (candidate.verdict == .chosen ? [] : [.note(note)]) + [.open(agreement)]
    }

    /// One candidate is out; the dialer goes on with the next, the listener waits for it.
    private mutating func next(after agreement: Agreement, _ reason: String, _ remedy: String) -> [Action] {
        failures.append((agreement.transport, reason, remedy))
        decision?.recordFailure(of: agreement.transport, reason: reason, remedy: remedy)
        switch end.role {
        case .dialer: return propose()
        case .listener:
            state = .awaitingProposal
            return []
        }
    }

    private mutating func establishIfBothReady() -> [Action] {
        guard case .opening(let agreement, own: true, peer: true) = state, let decision else { return [] }
        state = .ended
        return [.establish(agreement, decision)]
    }

    private mutating func refuse(_ code: HandshakeRefusal.Code, _ reason: String, _ remedy: String?) -> [Action] {
        let refusal = HandshakeRefusal(code: code, reason: reason, remedy: remedy)
        state = .ended
        return [
            .send(.refuse(refusal)),
            .fail(
                NaruError(
                    .refused, operation: "connect", object: end.hello.name,
                    reason: "this end refuses the peer: \(reason)",
                    remedy: remedy)),
        ]
    }

    private mutating func violation(_ what: String) -> [Action] {
        fail(NaruError(.protocolViolation, operation: "negotiate", object: end.hello.name, reason: what))
    }

    private mutating func fail(_ error: NaruError) -> [Action] {
        state = .ended
        return [.fail(error)]
    }

    private static func error(_ refusal: HandshakeRefusal, name: String) -> NaruError {
        let code: NaruError.Code =
            switch refusal.code {
            case .busy: .busy
            case .noTransport: .noTransport
            case .closed: .closed
            default: .refused
            }
        return NaruError(
            code, operation: "connect", object: name, reason: "the peer refused: \(refusal.reason)",
            remedy: refusal.remedy)
    }
}

extension Decision {
    /// Every candidate's reason in one line, for an error.
    var refusals: String {
        candidates.isEmpty
            ? "neither end has any transport"
            : candidates.map { "\($0.transport): \($0.reason)" }.joined(separator: "; ")
    }
}
