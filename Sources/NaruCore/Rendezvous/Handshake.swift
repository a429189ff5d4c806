// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import Logging
internal import NaruSystem

/// Runs one ``HandshakeMachine`` over one control connection, on the reactor's thread: carries out its actions and
/// steps the plugin's ``Opening``.
final class Handshake: Sendable {
    /// What a handshake yields: the lanes and the link, owned by whoever takes them.
    ///
    /// Dropped untaken, it closes the lanes and tells the peer.
    ///
    /// `@unchecked Sendable`: lanes are made on the reactor's thread, which forgets them when it hands this over; the
    /// one receiver takes them once.
    final class Established: @unchecked Sendable {
        let link: Link
        private var lanes: Lanes?

        init(link: Link, lanes: Lanes) {
            self.link = link
            self.lanes = lanes
        }

        deinit {
            guard let lanes else { return }
            if link.isForked {
                if let lane = lanes.outbound { Link.abandon(lane) }
                if let lane = lanes.inbound { Link.abandon(lane) }
                return
            }
            lanes.outbound?.close()
            lanes.inbound?.close()
            link.leave(.closed, finished: false)
        }

        /// The lanes, once.
        func take() -> Lanes {
            defer { lanes = nil }
            return lanes ?? Lanes()
        }
    }

    /// How it ended: a link, or why there is none, with the decision where one was reached.
    typealias Completion = @Sendable (Result<Established, NaruError>) -> Void

    /// The machine, the opening and its lanes; used on the reactor's thread, so the lock is hardly ever contended.
    /// Nothing is called back under it.
    private struct State {
        var machine: HandshakeMachine
        var opening: (any Opening)?
        var bell: LateBell?
        var wants = Wanted.nothing
        var arrived: [OpeningMessage] = []
        /// How many messages came for openings that are no longer current.
        var strays = 0
        var lanes: Lanes?
        var agreement: Agreement?
        var completion: Completion?
        var timer: Reactor.Timer?
        var watch: Reactor.Registration?
        var meeting: (any Meeting)?
        var redeem: (@Sendable (LinkID) -> Bool)?
        var invitation: LocalWay.Invitation?
        var visit: (@Sendable (LocalWay.Invitation) -> String?)?
    }

    private enum Wanted {
        case nothing, message, descriptor
    }

    private let role: Role
    private let runtime: Runtime
    private let name: String
    private let connection: ControlConnection
    /// Asked once, with the peer's user, when it says HELLO: `nil` lets it go on.
    private let admit: @Sendable (UInt32) -> HandshakeRefusal?
    private let state: Guarded<State>

    init(
        role: Role, runtime: Runtime, hello: Hello, connection: ControlConnection, related: Bool,
        admit: @escaping @Sendable (UInt32) -> HandshakeRefusal?, completion: @escaping Completion
    ) {
        self.role = role
        self.runtime = runtime
        self.admit = admit
        self.connection = connection
        name = hello.name
        let machine = HandshakeMachine(
            HandshakeMachine.End(
                role: role, hello: hello, costs: runtime.costs, related: related, isRemote: connection.isRemote))
        state = Guarded(State(machine: machine, completion: completion))
    }

    // MARK: How the two met; set before ``start(deadline:)``

    /// What the plugin knows of a connection that its rendezvous brought.
    var meeting: (any Meeting)? {
        get { state.withLock { $0.meeting } }
        set { state.withLock { $0.meeting = newValue } }
    }

    /// For a listener's local way: whether a visitor's nonce is good. Without it HELLO is not listened to.
    var redeem: (@Sendable (LinkID) -> Bool)? {
        get { state.withLock { $0.redeem } }
        set { state.withLock { $0.redeem = newValue } }
    }

    /// What a listener says first, over a network.
    var invitation: LocalWay.Invitation? {
        get { state.withLock { $0.invitation } }
        set { state.withLock { $0.invitation = newValue } }
    }

    /// For a dialer over a network: follows the listener's invitation, or answers why not. HELLO waits for it.
    var visit: (@Sendable (LocalWay.Invitation) -> String?)? {
        get { state.withLock { $0.visit } }
        set { state.withLock { $0.visit = newValue } }
    }

    /// Begins. Completes once, by the deadline at the latest.
    func start(deadline: Deadline) {
        let timer = runtime.reactor.schedule(at: deadline) { [weak self] in
            guard let self else { return }
            self.finish(
                .failure(
                    NaruError(
                        .deadlineExceeded, operation: "negotiate", object: self.name,
                        reason: "the peer did not complete the handshake in time")))
        }
        state.withLock { $0.timer = timer }
        // Before anything is read, so that what this says first comes before every answer; and on the caller's thread,
        // so that a dialer's HELLO does not wait until another thread has woken.
        if let invitation { try? connection.send(.invite(invitation)) }
        if visit == nil { feed(.started) }
        do {
            try connection.start { event in self.handle(event) }
        } catch {
            finish(.failure(NaruError(error, operation: "negotiate", object: name)))
        }
    }

    /// Gives up from outside, as the listener does under load and the dialer when it is cancelled.
    func abandon(_ error: NaruError, refusal: HandshakeRefusal?) {
        if let refusal { try? connection.send(.message(.refuse(refusal))) }
        finish(.failure(error))
    }

    /// Ends without a result, and closes the connection.
    func withdraw() {
        let timer = state.withLock { state in
            defer { (state.completion, state.timer) = (nil, nil) }
            return state.timer
        }
        if let timer { runtime.reactor.cancel(timer) }
        dropOpening()
        connection.close()
    }

    /// Whether the peer has sent a valid HELLO.
    var isAcquainted: Bool { state.withLock { $0.machine.isAcquainted } }

    private func handle(_ event: ControlConnection.Event) {
        switch event {
        case .frame(.invite(let invitation), _):
            invited(invitation)
        case .frame(.visit(let nonce), _):
            arrived(with: nonce)
        case .frame(.message(let message), _):
            guard state.withLock({ $0.redeem == nil && $0.visit == nil }) else { return tooEarly() }
            if case .hello = message, let refusal = admit(connection.sender.userID) {
                return abandon(
                    NaruError(
                        .refused, operation: "negotiate", object: name, reason: refusal.reason, remedy: refusal.remedy),
                    refusal: refusal)
            }
            feed(.message(message, sameUser: HostInformation.isOwnUser(connection.sender.userID)))
        case .frame(.opening(let link, let bytes, _), let descriptors):
            state.withLock { $0.arrived.append(OpeningMessage(bytes: bytes, descriptors: descriptors)) }
            feed(.opening(link))
        case .descriptorsLost:
            dropOpening()
            feed(
                .openingFailed(
                    NaruError(
                        .resourceExhausted, operation: "receive", object: "descriptors",
                        reason: "this process has no descriptor left to receive one",
                        remedy: "raise the limit with `ulimit -n` or close links")))
        case .frame:
            break  // A bell of a link not yet established wakes nobody.
        case .violation(let error):
            finish(.failure(error))
        case .hangUp:
            finish(.failure(hungUp))
        }
    }

    private var hungUp: NaruError {
        NaruError(
            .peerVanished, operation: "negotiate", object: name,
            reason: "the peer closed the connection during the handshake")
    }

    /// The listener's first word over a network.
    private func invited(_ invitation: LocalWay.Invitation) {
        let visit = state.withLock { state in
            defer { state.visit = nil }
            return state.visit
        }
        guard let visit else { return tooEarly() }
        guard let apart = visit(invitation) else { return withdraw() }
        state.withLock { $0.machine.apart = apart }
        feed(.started)
    }

    /// The first word of a visitor.
    private func arrived(with nonce: LinkID) {
        let redeem = state.withLock { $0.redeem }
        guard let redeem, redeem(nonce) else { return tooEarly() }
        state.withLock { $0.redeem = nil }
    }

    private func tooEarly() {
        finish(
            .failure(
                NaruError(
                    .protocolViolation, operation: "negotiate", object: name,
                    reason: "the peer did not begin as it must where it came in")))
    }

    private func feed(_ event: HandshakeMachine.Event) {
        let actions = state.withLock { $0.completion == nil ? [] : $0.machine.handle(event) }
        // What came for an opening that is no longer current is dropped with its descriptors.
        var delivered = false
        for action in actions {
            if case .deliver = action { delivered = true }
            carryOut(action)
        }
        if case .opening = event, !delivered {
            let strays = state.withLock { state in
                state.arrived = []
                state.strays += 1
                return state.strays
            }
            if strays > Self.maximumStrays { surplus() }
        }
    }

    private func carryOut(_ action: HandshakeMachine.Action) {
        switch action {
        case .send(let message):
            do {
                try connection.send(.message(message))
            } catch {
                finish(.failure(error))
            }
        case .open(let agreement): open(agreement)
        case .deliver: deliver()
        case .abandonOpening: dropOpening()
        case .establish(let agreement, let decision): establish(agreement, decision)
        case .fail(let error): finish(.failure(error))
        case .note(let text): runtime.logger.debug("\(text)", metadata: ["link": "\(name)"])
        }
    }

    /// How long a peer has to read why there is no link: nobody waits for it, and it holds a descriptor here.
    private static let refusalTime = Duration.seconds(1)
    /// How many messages of the peer's opening may wait for this end's. The two take turns, mostly.
    private static let maximumArrived = 8
    /// How many messages may cross with this end's rejection of their opening, over the whole handshake.
    private static let maximumStrays = 64

    /// Gives this end's opening what came for it. A peer that says more than anybody takes is given up, so that it
    /// cannot fill this process's memory until the handshake's deadline.
    private func deliver() {
        let (isExpected, isAwaited) = state.withLock { state in
            (state.opening != nil && state.arrived.count <= Self.maximumArrived, state.wants == .message)
        }
        guard isExpected else { return surplus() }
        if isAwaited { step() }
    }

    private func surplus() {
        finish(
            .failure(
                NaruError(
                    .protocolViolation, operation: "negotiate", object: name,
                    reason: "the peer sent more messages of the opening than it has")))
    }

    private func open(_ agreement: Agreement) {
        dropOpening()
        do throws(NaruError) {
            guard let transport = runtime.transport(agreement.transport) else {
                throw NaruError(
                    .unsupported, operation: "open", object: agreement.transport.rawValue, reason: "not in this build")
            }
            let bell = LateBell()
            let request = OpeningRequest(
                agreement: agreement, role: role, peerBell: try ConnectionBell(connection, link: agreement.link),
                ownBell: bell, peer: connection.sender, reactor: runtime.reactor,
                port: ConnectionPort(connection: connection, link: agreement.link), directories: runtime.directories,
                meeting: meeting)
            let opening = try transport.open(request)
            state.withLock { state in
                state.opening = opening
                state.agreement = agreement
                state.wants = .nothing
                state.bell = bell
            }
        } catch {
            return feed(.openingFailed(error))
        }
        step()
    }

    /// Steps the opening until it waits for something, ends or fails.
    private func step() {
        while true {
            let outcome: Result<OpeningStep, NaruError>? = state.withLock { state in
                guard let opening = state.opening else { return nil }
                do throws(NaruError) {
                    switch state.wants {
                    case .nothing, .descriptor:
                        return .success(try opening.advance(.proceed))
                    case .message:
                        guard !state.arrived.isEmpty else { return nil }
                        return .success(try opening.advance(.message(state.arrived.removeFirst())))
                    }
                } catch {
                    return .failure(error)
                }
            }
            guard let outcome else { return }
            switch outcome {
            case .failure(let error):
                dropOpening()
                // Nothing can be opened with a peer that is gone, and no candidate is to blame for it.
                if connection.isHungUp { return finish(.failure(hungUp)) }
                return feed(.openingFailed(error))
            case .success(.send(let message)):
                guard message.bytes.count <= ControlFrame.maximumOpeningBytes,
                    message.descriptors.count <= ControlFrame.maximumDescriptors
                else {
                    dropOpening()
                    return feed(.openingFailed(Self.oversized(message)))
                }
                state.withLock { $0.wants = .nothing }
                send(message)
            case .success(.receive):
                state.withLock { $0.wants = .message }
            case .success(.wait(let descriptor, let events)):
                return watch(descriptor, events)
            case .success(.done(let lanes)):
                if let error = unusable(lanes) {
                    dropOpening()
                    return feed(.openingFailed(error))
                }
                state.withLock { state in
                    state.opening = nil
                    state.lanes = lanes
                }
                return feed(.opened)
            }
        }
    }

    /// What is wrong with lanes that a plugin yielded, if anything.
    private func unusable(_ lanes: Lanes) -> NaruError? {
        guard let agreement = state.withLock({ $0.agreement }) else { return nil }
        let needs = (
            out: !(role == .dialer ? agreement.forward : agreement.backward).isEmpty,
            in: !(role == .dialer ? agreement.backward : agreement.forward).isEmpty
        )
        let reason: String
        if (lanes.outbound != nil) != needs.out || (lanes.inbound != nil) != needs.in {
            reason = "the plugin yielded other lanes than were agreed"
        } else if let outbound = lanes.outbound, outbound.maximumRecordBytes < Transmission.minimumRecordBytes {
            reason =
                "its records have at most \(outbound.maximumRecordBytes) bytes, fewer than "
                + "\(Transmission.minimumRecordBytes)"
        } else {
            return nil
        }
        return NaruError(.unsupported, operation: "open", object: agreement.transport.rawValue, reason: reason)
    }

    private static func oversized(_ message: OpeningMessage) -> NaruError {
        NaruError(
            .unsupported, operation: "open", object: "opening message",
            reason:
                "the plugin's message has \(message.bytes.count) bytes and \(message.descriptors.count) descriptors; "
                + "\(ControlFrame.maximumOpeningBytes) and \(ControlFrame.maximumDescriptors) are the most",
            remedy: "mend the plugin")
    }

    private func send(_ message: OpeningMessage) {
        guard let agreement = state.withLock({ $0.agreement }) else { return }
        do {
            try connection.send(
                .opening(agreement.link, message.bytes, descriptorCount: message.descriptors.count),
                descriptors: message.descriptors)
        } catch {
            finish(.failure(error))
        }
    }

    private func watch(_ descriptor: Descriptor, _ events: PollEvents) {
        do {
            let registration = try runtime.reactor.add(descriptor, events: events, oneShot: true) { [weak self] _ in
                guard let self else { return }
                self.unwatch()
                self.step()
            }
            state.withLock { state in
                state.wants = .descriptor
                state.watch = registration
            }
        } catch {
            dropOpening()
            feed(.openingFailed(NaruError(error, operation: "open", object: name)))
        }
    }

    private func unwatch() {
        let watch = state.withLock { state in
            defer { state.watch = nil }
            return state.watch
        }
        if let watch { runtime.reactor.remove(watch) }
    }

    private func dropOpening() {
        unwatch()
        state.withLock { state in
            state.opening = nil
            state.lanes?.outbound?.close()
            state.lanes?.inbound?.close()
            state.lanes = nil
            state.arrived = []
            state.agreement = nil
        }
    }

    /// Both ends are ready: the link takes the connection.
    private func establish(_ agreement: Agreement, _ decision: Decision) {
        let startTime = state.withLock { $0.machine.peerStartTime }
        let sender = connection.sender
        let link = Link(
            agreement: agreement, decision: decision, role: role, name: name, reactor: runtime.reactor,
            peer: connection.isRemote
                ? nil : PeerInformation(processID: sender.processID, userID: sender.userID),
            connection: connection)
        PeerMonitor(
            link, processes: runtime.processes, reactor: runtime.reactor, mailbox: state.withLock { $0.lanes?.mailbox }
        ).start(connection, startTime: startTime)
        let established: Established = state.withLock { state in
            state.bell?.connect(link)
            let lanes = state.lanes ?? Lanes()
            state.lanes = nil
            return Established(link: link, lanes: lanes)
        }
        runtime.register(link)
        finish(.success(established))
    }

    /// Completes once.
    private func finish(_ result: Result<Established, NaruError>) {
        let (completion, timer) = state.withLock { state in
            defer { (state.completion, state.timer) = (nil, nil) }
            return (state.completion, state.timer)
        }
        guard let completion else { return }
        if let timer { runtime.reactor.cancel(timer) }
        if case .failure = result {
            dropOpening()
            connection.closeWhenSent(within: Self.refusalTime)
        }
        completion(result)
    }
}
