// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// One attempt to reach a listener over a network: connects through the plugin's rendezvous, comes together with the
/// listener on this host where both are on it, and begins the handshake.
final class NetworkDial: DialTrial {
    private struct State {
        var dial: (any DialAttempt)?
        var handshake: Handshake?
        var timer: Reactor.Timer?
        /// Why the two do not come together on one host: then they stay on the network.
        var apart: String?
        var isOver = false
    }

    /// How long one attempt to connect may take.
    private static let connectTime = Duration.seconds(10)

    private let rendezvous: any Rendezvous
    private let place: NetworkPlace
    private let runtime: Runtime
    private let request: DialRequest
    private let results: Mailbox<DialAnswer>
    private let state = Mutex(State())

    /// Begins.
    /// - Throws: ``NaruError/Code/unsupported`` when the runtime has no rendezvous of that scheme.
    static func begin(
        _ place: NetworkPlace, _ runtime: Runtime, _ request: DialRequest, _ results: Mailbox<DialAnswer>
    ) throws(NaruError) -> (any DialTrial)? {
        let dial = NetworkDial(
            try runtime.rendezvous(for: place), place: place, runtime: runtime, request: request, results: results)
        dial.connect()
        return dial
    }

    private init(
        _ rendezvous: any Rendezvous, place: NetworkPlace, runtime: Runtime, request: DialRequest,
        results: Mailbox<DialAnswer>
    ) {
        self.rendezvous = rendezvous
        self.place = place
        self.runtime = runtime
        self.request = request
        self.results = results
    }

    func abandon(_ error: NaruError) {
        let (dial, handshake) = over()
        dial?.cancel()
        handshake?.abandon(error)
    }

    /// Ends it once.
    @discardableResult
    private func over() -> (dial: (any DialAttempt)?, handshake: Handshake?) {
        let (dial, handshake, timer) = state.withLock { state in
            defer {
                state.isOver = true
                (state.dial, state.handshake, state.timer) = (nil, nil, nil)
            }
            return (state.dial, state.handshake, state.timer)
        }
        if let timer { runtime.reactor.cancel(timer) }
        return (dial, handshake)
    }

    private func answer(_ answer: DialAnswer) {
        over()
        results.put(answer)
    }

    private func connect() {
        let timer = runtime.reactor.schedule(at: min(request.deadline, .after(Self.connectTime))) { [weak self] in
            guard let self else { return }
            let (dial, isConnecting) = self.state.withLock { ($0.dial, !$0.isOver && $0.handshake == nil) }
            guard isConnecting else { return }
            dial?.cancel()
            self.answer(.nobody(nil))
        }
        let wanted = state.withLock { state in
            state.handshake = nil
            if !state.isOver { state.timer = timer }
            return !state.isOver
        }
        guard wanted else { return runtime.reactor.cancel(timer) }
        let dial = rendezvous.dial(
            RendezvousRequest(
                host: place.host, port: place.port, address: place.description,
                permitsInsecure: request.permitsInsecure, reactor: runtime.reactor, errands: runtime.errands)
        ) { outcome in self.dialed(outcome) }
        let isOver = state.withLock { state in
            if !state.isOver { state.dial = dial }
            return state.isOver
        }
        if isOver { dial.cancel() }
    }

    private func dialed(_ outcome: DialOutcome) {
        switch outcome {
        case .nobody(let reason): answer(.nobody(reason))
        case .refused(let error): answer(.failed(error))
        case .arrived(let arrival):
            do throws(SystemError) {
                let connection = try ControlConnection(arrival.connection, runtime: runtime, isRemote: true)
                let handshake = Handshake(
                    role: .dialer, runtime: runtime, hello: request.hello, connection: connection, related: false,
                    admit: { _ in nil }, completion: { self.answer(DialAnswer($0)) })
                handshake.meeting = arrival.meeting
                handshake.visit = { self.visit($0) }
                start(handshake)
            } catch {
                answer(.failed(NaruError(error, operation: "connect", object: place.description)))
            }
        }
    }

    private func start(_ handshake: Handshake) {
        let wanted = state.withLock { state in
            if !state.isOver { state.handshake = handshake }
            return !state.isOver
        }
        guard wanted else { return handshake.withdraw() }
        handshake.start(deadline: request.handshakeDeadline)
    }

    // MARK: Coming together on one host

    /// Follows the listener's invitation, on the reactor's thread.
    /// - Returns: why not; `nil` when a handshake on this host has begun, and the network is no longer needed.
    private func visit(_ invitation: LocalWay.Invitation) -> String? {
        if let apart = state.withLock({ $0.apart }) { return apart }
        if let objection = LocalWay.objection(request.hello.requirements, runtime.records) {
            return "the dialer \(objection)"
        }
        guard !invitation.door.isEmpty else { return "the listener has no way in on its host" }
        switch LocalWay.visit(invitation) {
        case .failure(let refusal): return refusal.reason
        case .success(let socket):
            do {
                let connection = try ControlConnection(socket, runtime: runtime)
                try connection.send(.visit(invitation.nonce))
                let handshake = Handshake(
                    role: .dialer, runtime: runtime, hello: request.hello, connection: connection, related: false,
                    admit: { _ in nil }, completion: { self.visited($0) })
                start(handshake)
                return nil
            } catch {
                return "the local connection failed: \(error)"
            }
        }
    }

    /// A handshake on this host has ended. Where it failed, the network is tried once more, and this time kept.
    private func visited(_ result: Result<Handshake.Established, NaruError>) {
        guard case .failure(let error) = result, !request.deadline.isPast else { return answer(DialAnswer(result)) }
        state.withLock { $0.apart = "the local way failed: \(error.reason)" }
        connect()
    }
}
