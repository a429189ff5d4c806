// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

/// One attempt to reach a port: looks the name up, connects to its addresses one after the other, and says that the
/// connection is to be a control connection. It connects on the reactor's thread only.
final class TCPDial: DialAttempt {
    private struct State {
        var completion: (@Sendable (DialOutcome) -> Void)?
        var left: [InetAddress] = []
        var connecting: (descriptor: Descriptor, registration: Reactor.Registration, timer: Reactor.Timer?)?
        var problems: [String] = []
    }

    /// How long an address is waited for while there are others.
    private static let addressTime = Duration.seconds(2)

    private let rendezvous: TCPRendezvous
    private let request: RendezvousRequest
    private let state: Mutex<State>

    init(
        _ rendezvous: TCPRendezvous, _ request: RendezvousRequest,
        _ completion: @escaping @Sendable (DialOutcome) -> Void
    ) {
        self.rendezvous = rendezvous
        self.request = request
        state = Mutex(State(completion: completion))
    }

    func start() {
        let (host, port) = (request.host, request.port)
        if let known = TCPRendezvous.knownAddresses(host, port: port) { return found(known) }
        do {
            try request.errands.run("look up \(host)", { TCPRendezvous.lookUp(host, port) }) { answer in
                switch answer {
                case .success(let addresses): self.found(addresses)
                case .failure(let error): self.complete(.nobody("`\(host)` has no address: \(error.reason)"))
                }
            }
        } catch {
            complete(error.code == .closed ? .refused(error) : .nobody("\(error)"))
        }
    }

    func cancel() {
        let connecting = state.withLock { state in
            defer { (state.completion, state.connecting, state.left) = (nil, nil, []) }
            return state.connecting
        }
        if let connecting { release(connecting) }
    }

    private func complete(_ outcome: DialOutcome) {
        let completion = state.withLock { state in
            defer { state.completion = nil }
            return state.completion
        }
        completion?(outcome)
    }

    private func release(
        _ connecting: (descriptor: Descriptor, registration: Reactor.Registration, timer: Reactor.Timer?)
    ) {
        request.reactor.remove(connecting.registration)
        if let timer = connecting.timer { request.reactor.cancel(timer) }
        connecting.descriptor.close()
    }

    private func found(_ addresses: [InetAddress]) {
        do {
            let permitted = try rendezvous.permitted(addresses, request, "connect")
            state.withLock { $0.left = permitted }
        } catch {
            return complete(.refused(error))
        }
        request.reactor.perform { self.connectNext() }
    }

    /// Goes on with the next address.
    private func connectNext() {
        while true {
            let (address, problems, isWanted) = state.withLock { state in
                (state.left.isEmpty ? nil : state.left.removeFirst(), state.problems, state.completion != nil)
            }
            guard isWanted else { return }
            guard let address else {
                return complete(.nobody(problems.isEmpty ? "it has no address" : problems.joined(separator: ", ")))
            }
            do throws(SystemError) {
                return try connect(to: address)
            } catch {
                note(error, address)
            }
        }
    }

    private func connect(to address: InetAddress) throws(SystemError) {
        let descriptor = try TCPSocket.connect(to: address)
        let registration = try request.reactor.add(descriptor, events: [.writable], oneShot: true) { _ in
            self.settled(descriptor, address)
        }
        let isLast = state.withLock { $0.left.isEmpty }
        let timer =
            isLast
            ? nil
            : request.reactor.schedule(at: .after(Self.addressTime)) { [weak self] in
                self?.giveUp(descriptor, address)
            }
        let isWanted = state.withLock { state in
            if state.completion != nil { state.connecting = (descriptor, registration, timer) }
            return state.completion != nil
        }
        if !isWanted { release((descriptor, registration, timer)) }
    }

    private func note(_ error: SystemError, _ address: InetAddress) {
        let problem =
            error.errno == SystemErrno.connectionRefused
            ? "\(address): nobody listens" : "\(address): \(error.message)"
        state.withLock { $0.problems.append(problem) }
    }

    /// What to say of another user who listens at a port of this host, unless the configuration trusts the wire.
    private func stranger(at address: InetAddress) -> NaruError? {
        guard !request.permitsInsecure, address.isLoopback, let user = TCPSocket.listeningUser(at: address),
            !HostInformation.isOwnUser(user)
        else { return nil }
        return NaruError(
            .refused, operation: "connect", object: request.address,
            reason: "user \(user) listens on it, not the user of this end",
            remedy: "run both ends as one user, or set `insecure` for this link")
    }

    /// An address that does not answer, where there are others.
    private func giveUp(_ descriptor: Descriptor, _ address: InetAddress) {
        guard let connecting = take(descriptor) else { return }
        release(connecting)
        state.withLock { $0.problems.append("\(address): no answer") }
        connectNext()
    }

    /// What is being connected, once.
    private func take(
        _ descriptor: Descriptor
    ) -> (descriptor: Descriptor, registration: Reactor.Registration, timer: Reactor.Timer?)? {
        state.withLock { state in
            guard let connecting = state.connecting, connecting.descriptor === descriptor else { return nil }
            state.connecting = nil
            return connecting
        }
    }

    /// The outcome is known. On the reactor's thread.
    private func settled(_ descriptor: Descriptor, _ address: InetAddress) {
        guard let connecting = take(descriptor) else { return }
        request.reactor.remove(connecting.registration)
        if let timer = connecting.timer { request.reactor.cancel(timer) }
        do throws(SystemError) {
            try TCPSocket.takeError(descriptor, address.description)
            // A port that nobody listens at, but that the kernel chose for this very socket, connects it to itself.
            guard try TCPSocket.address(of: descriptor) != TCPSocket.peerAddress(of: descriptor) else {
                throw SystemError(
                    function: "connect", object: address.description, errno: SystemErrno.connectionRefused)
            }
            if let stranger = stranger(at: address) {
                descriptor.close()
                return complete(.refused(stranger))
            }
            try descriptor.prepareControl(rendezvous.configuration)
            _ = try descriptor.send(Preamble.control.bytes)
        } catch {
            descriptor.close()
            note(error, address)
            return connectNext()
        }
        complete(.arrived(Arrival(descriptor, meeting: TCPMeeting.dialed(address))))
    }
}
