// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

/// A port at which both control connections and lanes come in. It reads what each is to be and gives it to whom it is
/// for: control connections to the core, lanes to the desk.
///
/// Connections that have not said yet what they are to be are bounded in number and in time.
final class TCPDoorway: Doorway {
    /// A connection that is yet to say what it is to be.
    private struct Newcomer {
        let descriptor: Descriptor
        var head: [UInt8] = []
        var registration: Reactor.Registration?
        var timer: Reactor.Timer?
        let since: UInt64
    }

    private struct State {
        var newcomers: [UInt64: Newcomer] = [:]
        var next: UInt64 = 0
        var isClosed = false
    }

    /// How many may be about to say what they are.
    private static let maximumNewcomers = 128
    /// How long they may take.
    private static let patience = Duration.seconds(5)

    let address: String
    let desk = LaneDesk()
    /// Where it is bound.
    let addresses: [InetAddress]
    private let configuration: TCPConfiguration
    private let reactor: Reactor
    private let acceptors: [ConnectionAcceptor]
    private let state = Mutex(State())

    /// Takes sockets that listen.
    init(_ sockets: [Descriptor], address: String, configuration: TCPConfiguration, reactor: Reactor)
        throws(SystemError)
    {
        self.address = address
        self.configuration = configuration
        self.reactor = reactor
        acceptors = sockets.map { ConnectionAcceptor($0, reactor: reactor) }
        var found: [InetAddress] = []
        for socket in sockets { found.append(try TCPSocket.address(of: socket)) }
        addresses = found
    }

    deinit {
        close()
    }

    func open(
        _ arrived: @escaping @Sendable (Arrival) -> Void, troubled: @escaping @Sendable (NaruError) -> Void
    ) throws(NaruError) {
        let address = address
        for acceptor in acceptors {
            do {
                try acceptor.start(
                    accepted: { [weak self] in self?.welcome($0, arrived) },
                    troubled: { troubled(NaruError($0, operation: "accept", object: address)) })
            } catch {
                throw NaruError(error, operation: "listen", object: address)
            }
        }
    }

    func close() {
        if reactor.forkGuard.isForked { return }
        for acceptor in acceptors { acceptor.stop() }
        let newcomers = state.withLock { state in
            state.isClosed = true
            defer { state.newcomers = [:] }
            return state.newcomers
        }
        for newcomer in newcomers.values { dismiss(newcomer) }
    }

    // MARK: On the reactor's thread

    private func welcome(_ descriptor: Descriptor, _ arrived: @escaping @Sendable (Arrival) -> Void) {
        let (id, surplus) = state.withLock { state -> (UInt64, Newcomer?) in
            defer { state.next += 1 }
            state.newcomers[state.next] = Newcomer(descriptor: descriptor, since: state.next)
            guard state.newcomers.count > Self.maximumNewcomers,
                let oldest = state.newcomers.min(by: { $0.key < $1.key })
            else { return (state.next, nil) }
            return (state.next, state.newcomers.removeValue(forKey: oldest.key))
        }
        if let surplus { dismiss(surplus) }
        // Mostly it has said it already.
        if read(id, arrived) { return }
        let registration = try? reactor.add(descriptor, events: [.readable], oneShot: false) { [weak self] _ in
            _ = self?.read(id, arrived)
        }
        let timer = reactor.schedule(at: .after(Self.patience)) { [weak self] in self?.drop(id) }
        let isThere = state.withLock { state in
            guard !state.isClosed, state.newcomers[id] != nil else { return false }
            state.newcomers[id]?.registration = registration
            state.newcomers[id]?.timer = timer
            return true
        }
        guard isThere, registration != nil else {
            if let registration { reactor.remove(registration) }
            reactor.cancel(timer)
            return drop(id)
        }
    }

    /// Reads on; whether it is done with the connection.
    private func read(_ id: UInt64, _ arrived: @Sendable (Arrival) -> Void) -> Bool {
        guard let newcomer = state.withLock({ $0.newcomers[id] }) else { return true }
        var head = newcomer.head
        while true {
            guard let whole = Preamble.byteCount(head) else {
                drop(id)
                return true
            }
            if head.count == whole { break }
            guard let more = try? newcomer.descriptor.receive(upTo: whole - head.count) else {
                drop(id)
                return true
            }
            if more.isEmpty {
                let kept = head
                state.withLock { $0.newcomers[id]?.head = kept }
                return false
            }
            head += more
        }
        guard let gone = state.withLock({ $0.newcomers.removeValue(forKey: id) }) else { return true }
        release(gone)
        switch Preamble(head) {
        case .control?:
            do throws(SystemError) {
                try gone.descriptor.prepareControl(configuration)
                // Only the two ends of a connection within one host are both known to its kernel.
                let isNear = try TCPSocket.peerAddress(of: gone.descriptor).isLoopback
                arrived(
                    Arrival(
                        gone.descriptor, meeting: TCPMeeting.listened(desk),
                        userID: isNear ? TCPSocket.peerUser(of: gone.descriptor) : nil))
            } catch {
                gone.descriptor.close()
            }
        case .lane(let token)?: if !desk.deliver(gone.descriptor, token: token) { gone.descriptor.close() }
        case nil: gone.descriptor.close()
        }
        return true
    }

    private func drop(_ id: UInt64) {
        if let newcomer = state.withLock({ $0.newcomers.removeValue(forKey: id) }) { dismiss(newcomer) }
    }

    private func release(_ newcomer: Newcomer) {
        if let registration = newcomer.registration { reactor.remove(registration) }
        if let timer = newcomer.timer { reactor.cancel(timer) }
    }

    private func dismiss(_ newcomer: Newcomer) {
        release(newcomer)
        newcomer.descriptor.close()
    }
}

extension Descriptor {
    /// Sets a control connection up: small frames go out at once, and a peer's host that is gone is found out.
    func prepareControl(_ configuration: TCPConfiguration) throws(SystemError) {
        try TCPSocket.setNoDelay(self)
        try TCPSocket.setKeepAlive(
            self, idleSeconds: configuration.keepAliveSeconds, intervalSeconds: 3, count: 3)
        // Little is ever under way here, and a stopped process's kernel takes it.
        try TCPSocket.setUserTimeout(self, milliseconds: configuration.answerSeconds * 1000)
    }

    /// Sets a lane's connection up. No bound on how long data may wait: a stopped peer takes none.
    func prepareLane(_ configuration: TCPConfiguration) throws(SystemError) {
        try TCPSocket.setNoDelay(self)
        try TCPSocket.setKeepAlive(
            self, idleSeconds: configuration.keepAliveSeconds, intervalSeconds: 3, count: 3)
    }
}
