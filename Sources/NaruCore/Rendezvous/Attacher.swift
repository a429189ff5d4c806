// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

extension LinkRequest {
    /// Whether a link is attached to its medium rather than negotiated with a peer.
    func isAttached(at address: Address) -> Bool {
        if case .medium = address { return true }
        // Raw is refused there for a link of Naru's.
        return isRaw || requirements.agreement == .attached
    }

    /// - Throws: ``NaruError/Code/unsupported`` for a link that is attached: there is no peer to negotiate with.
    func checkNegotiated(at address: Address, _ operation: String) throws(NaruError) {
        guard isAttached(at: address) else { return }
        throw NaruError(
            .unsupported, operation: operation, object: address.description,
            reason: "the link is attached to its medium and has no peer", remedy: "use a sender or a receiver")
    }
}

extension Runtime {
    func attacher(
        _ address: Address, _ request: LinkRequest, sends: Bool, receives: Bool, _ deadline: Deadline
    ) -> Attacher {
        Attacher(self, address, request, sends: sends, receives: receives, deadline)
    }
}

/// Attaches one end of a link to its medium: asks the candidates in the selector's order, and again while the medium is
/// not there yet.
struct Attacher {
    private let runtime: Runtime
    private let address: Address
    private let request: LinkRequest
    private let sends: Bool
    private let receives: Bool
    private let deadline: Deadline
    /// Nothing is ever put there: it is closed by a shutdown.
    private let ending = Mailbox<Void>()
    private var pause = Duration.milliseconds(1)
    /// What the last attempt waited for.
    private var missing = ""

    /// The longest pause between two attempts. Short, because an attempt is a few system calls.
    private static let longestPause = Duration.milliseconds(20)

    init(
        _ runtime: Runtime, _ address: Address, _ request: LinkRequest, sends: Bool, receives: Bool,
        _ deadline: Deadline
    ) {
        self.runtime = runtime
        self.address = address
        self.request = request
        self.sends = sends
        self.receives = receives
        self.deadline = deadline
    }

    /// An open end.
    /// - Throws: ``NaruError/Code/noTransport`` with every candidate's reason, ``NaruError/Code/unreachable`` when the
    ///   medium was not there until the deadline, ``NaruError/Code/cancelled``.
    mutating func attach() async throws(NaruError) -> Handshake.Established {
        try remember()
        defer { runtime.forget(ObjectIdentifier(ending)) }
        while true {
            if let established = try attempt() { return established }
            _ = try await ending.wait(
                deadline: try nextAttempt(), reactor: runtime.reactor, "attach", address.description)
        }
    }

    /// As ``attach()``, blocking the calling thread.
    mutating func attachBlocking() throws(NaruError) -> Handshake.Established {
        try remember()
        defer { runtime.forget(ObjectIdentifier(ending)) }
        while true {
            if let established = try attempt() { return established }
            _ = try ending.waitBlocking(deadline: try nextAttempt(), "attach", address.description)
        }
    }

    private func remember() throws(NaruError) {
        try runtime.checkFork("attach", address.name)
        try runtime.remember(ObjectIdentifier(ending)) { [ending] in ending.close(Runtime.shutDown) }
    }

    /// Asks the candidates, best first; `nil` when one of them has to be asked again.
    private mutating func attempt() throws(NaruError) -> Handshake.Established? {
        var decision = try decide()
        for transport in decision.order {
            guard let plugin = runtime.transport(transport) as? any AttachableTransport else {
                decision.recordFailure(
                    of: transport, reason: "its record says that it attaches, and the plugin cannot",
                    remedy: "mend the plugin")
                continue
            }
            do throws(NaruError) {
                switch try plugin.attach(attachRequest) {
                case .attached(let attachment): return establish(attachment, transport, decision)
                case .notYet(let reason):
                    missing = reason
                    return nil
                }
            } catch {
                decision.recordFailure(
                    of: transport, reason: error.reason, remedy: error.remedy ?? "use another transport")
            }
        }
        throw NaruError(
            .noTransport, operation: "attach", object: address.description, reason: decision.refusals)
    }

    private var attachRequest: AttachRequest {
        let medium: AttachRequest.Medium =
            switch address {
            case .local(let name), .inherited(let name): .link(name: name)
            case .network(let place): .link(name: place.name)
            case .medium(_, let object): .foreign(object: object)
            }
        return AttachRequest(
            medium: medium, requirements: request.requirements, sends: sends, receives: receives,
            framing: request.rawFraming, directories: runtime.directories, reactor: runtime.reactor)
    }

    /// Who may carry it. The ends share the medium, so they share what it needs.
    private func decide() throws(NaruError) -> Decision {
        guard request.compression.mode != .forced else {
            throw NaruError(
                .unsupported, operation: "attach", object: address.description,
                reason: "compression `\(request.compression)` is asked for, and nobody is there to agree on a codec",
                remedy: "set compression to auto or off")
        }
        var requirements = request.requirements
        if case .medium = address {
        } else if request.isRaw {
            throw NaruError(
                .invalidArgument, operation: "attach", object: address.description,
                reason: "a link of Naru's has no raw form",
                remedy: "name the object of the other program: fifo:PATH, posix-queue:/NAME, sysv-queue:KEY")
        }
        switch address {
        case .local: break
        case .inherited:
            throw NaruError(
                .unsupported, operation: "attach", object: address.description,
                reason: "a link with the process that started this one is negotiated with it",
                remedy: "use local:NAME for a link that is attached to its medium")
        case .network:
            throw NaruError(
                .unsupported, operation: "attach", object: address.description,
                reason: "a link over a network is negotiated with its other end, and keeps nothing without it",
                remedy: "use local:NAME for a link that is attached to its medium")
        case .medium(let transport, _):
            guard request.isRaw else {
                throw NaruError(
                    .invalidArgument, operation: "attach", object: address.description,
                    reason: "an object of another program takes bytes as they are, and raw is not asked for",
                    remedy: "use --raw, or local:NAME for a link between ends of Naru")
            }
            requirements.transports = [transport]
        }
        let relation = Relation(
            locality: .sameHost, sameUser: true, sharedNamespaces: runtime.sharedNamespaces)
        return Selector.decide(
            requirements, relation: relation, local: runtime.records, remote: runtime.records, costs: runtime.costs,
            ways: [.attached])
    }

    private func establish(
        _ attachment: Attachment, _ transport: TransportName, _ decision: Decision
    ) -> Handshake.Established {
        let terms = [LaneTerms(transport: transport)]
        let agreement = Agreement(
            link: attachment.id ?? .random(), forward: sends ? terms : [], backward: receives ? terms : [],
            requirements: decision.request, relation: decision.relation)
        let link = Link(
            agreement: agreement, decision: decision, role: .dialer, name: address.name, reactor: runtime.reactor,
            peer: nil, connection: nil, attachedDelivery: attachment.delivery)
        runtime.register(link)
        return Handshake.Established(link: link, lanes: attachment.lanes)
    }

    /// When to ask again.
    /// - Throws: ``NaruError/Code/unreachable`` when the deadline has passed.
    private mutating func nextAttempt() throws(NaruError) -> Deadline {
        guard !deadline.isPast else {
            throw NaruError(
                .unreachable, operation: "attach", object: address.description, reason: missing,
                remedy: "start the other end, or wait longer")
        }
        let next = min(deadline, Deadline.after(pause))
        pause = min(pause * 2, Self.longestPause)
        return next
    }
}
