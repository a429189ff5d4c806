// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// Listens at one address and runs the handshakes of whoever connects, on the reactor's thread, whether or not
/// anybody awaits a link.
///
/// Half-open connections are bounded: when there are too many, the oldest that has not said HELLO is given up, so that
/// peers that say nothing cannot keep others out.
final class LinkListener: Sendable {
    /// How many links a listener serves.
    enum Capacity: Sendable {
        /// One, for as long as its link lives; others are refused as busy, and with the link the listener closes.
        case one
        /// Any number; as many as `backlog` may wait to be accepted.
        case many(backlog: Int)
    }

    /// How many connections may be in the middle of their handshake.
    private static let maximumHalfOpen = 128
    /// How long a handshake may take.
    private static let handshakeTime = Duration.seconds(5)

    private struct State {
        var halfOpen: [Handshake] = []
        var admitted = 0
        var serving = 0
        var isClosed = false
    }

    /// How a connection came.
    private enum Way {
        /// By a name of this host.
        case local
        /// Over a network, by a plugin's rendezvous.
        case network(Arrival)
        /// By the door to which those who came over a network are invited.
        case visit
    }

    /// The address in words, with what the kernel chose.
    let address: String
    private let runtime: Runtime
    private let hello: Hello
    private let capacity: Capacity
    private let doorway: any Doorway
    private let isRemote: Bool
    private let permitsInsecure: Bool
    private let localWay: LocalWay?
    private let log: RefusalLog
    private let accepted = Mailbox<Handshake.Established>()
    private let state = Mutex(State())

    /// Will take what comes in by a doorway, which is closed with this.
    /// - Parameter isRemote: Whether it is one of a network: then those who come are invited to come together on this
    ///   host, unless this end's policy forbids it.
    /// - Parameter permitsInsecure: Whether anybody may come over the network, other users of this host too.
    init(
        _ runtime: Runtime, doorway: any Doorway, isRemote: Bool, permitsInsecure: Bool, hello: Hello,
        capacity: Capacity
    ) {
        self.runtime = runtime
        self.doorway = doorway
        self.isRemote = isRemote
        self.permitsInsecure = permitsInsecure
        self.hello = hello
        self.capacity = capacity
        address = doorway.address
        log = RefusalLog(logger: runtime.logger, reactor: runtime.reactor, address: doorway.address)
        let isWanted = isRemote && LocalWay.objection(hello.requirements, runtime.records) == nil
        // Without it the two stay on the network.
        localWay = isWanted ? try? LocalWay(runtime.reactor) : nil
    }

    deinit {
        close()
    }

    /// Begins to accept connections.
    func start() throws(NaruError) {
        let way = isRemote
        try doorway.open(
            { [weak self] arrival in self?.begin(arrival.connection, way ? .network(arrival) : .local) },
            troubled: { [weak self] in self?.isShort($0) })
        do {
            try localWay?.open(
                { [weak self] in self?.begin($0, .visit) },
                troubled: { [weak self] error in
                    guard let self else { return }
                    self.isShort(NaruError(error, operation: "accept", object: self.address))
                })
        } catch {
            throw NaruError(error, operation: "listen", object: address)
        }
        try runtime.remember(ObjectIdentifier(self)) { [weak self] in self?.close() }
    }

    /// The next established link; `nil` at the deadline.
    func next(deadline: Deadline) async throws(NaruError) -> Handshake.Established? {
        try runtime.checkFork("accept", address)
        return try await accepted.wait(deadline: deadline, reactor: runtime.reactor, "accept", address)
    }

    /// The next established link; `nil` at the deadline. Blocks the calling thread.
    func nextBlocking(deadline: Deadline) throws(NaruError) -> Handshake.Established? {
        try runtime.checkFork("accept", address)
        return try accepted.waitBlocking(deadline: deadline, "accept", address)
    }

    /// Why a wait for a peer ended without one.
    func nobodyCame() -> NaruError {
        NaruError(
            .unreachable, operation: "listen", object: address,
            reason: "nobody connected before the deadline",
            remedy: isRemote
                ? "start the other end, with this host's address"
                : "start the other end, or give both ends the same NARU_RUNTIME_DIR")
    }

    /// Stops listening and removes the name. Links that were given out live on. Idempotent.
    func close() {
        if runtime.isForked { return }
        // Links that nobody took are left, and their peers told, by dropping them.
        accepted.close(stop())
    }

    /// Stops listening and removes the name, and returns what waits for a peer then throw.
    private func stop() -> NaruError {
        let gone = NaruError(.closed, operation: "accept", object: address, reason: "the listener closed")
        let (halfOpen, first) = state.withLock { state in
            defer {
                state.isClosed = true
                state.halfOpen = []
            }
            return (state.halfOpen, !state.isClosed)
        }
        guard first else { return gone }
        for handshake in halfOpen {
            handshake.abandon(
                gone, refusal: HandshakeRefusal(code: .closed, reason: "the listener closed", remedy: nil))
        }
        doorway.close()
        localWay?.close()
        runtime.forget(ObjectIdentifier(self))
        return gone
    }

    // MARK: On the reactor's thread

    /// A connection could not be accepted, mostly because no descriptors are left: it stays in the backlog, and is
    /// tried again in a moment. Until then those are given up that say nothing.
    private func isShort(_ error: NaruError) {
        log.refused(error)
        evict(keeping: Self.maximumHalfOpen / 8)
    }

    private func begin(_ descriptor: Descriptor, _ way: Way) {
        let arrival: Arrival? = if case .network(let arrival) = way { arrival } else { nil }
        let isRemote = arrival != nil
        let connection: ControlConnection
        do throws(SystemError) {
            connection = try ControlConnection(descriptor, runtime: runtime, isRemote: isRemote)
        } catch {
            return isShort(NaruError(error, operation: "accept", object: address))
        }
        let box = Box()
        let handshake = Handshake(
            role: .listener, runtime: runtime, hello: hello, connection: connection, related: false,
            admit: { [weak self] userID in self?.admit(isRemote ? arrival?.userID : userID, box) ?? nil },
            completion: { [weak self] result in
                // Also where the listener has gone, or handshake, closures and box would keep each other for ever.
                let handshake = box.take()
                self?.completed(handshake, wasAdmitted: box.wasAdmitted, isRemote: isRemote, result)
            })
        switch way {
        case .local: break
        case .network(let arrival):
            handshake.meeting = arrival.meeting
            handshake.invitation = localWay?.invite() ?? .nowhere
        case .visit: handshake.redeem = { [localWay] nonce in localWay?.admits(nonce) ?? false }
        }
        box.handshake.withLock { $0 = handshake }
        state.withLock { $0.halfOpen.append(handshake) }
        evict(keeping: Self.maximumHalfOpen)
        handshake.start(deadline: .after(Self.handshakeTime))
    }

    /// Lets a handshake's closures name it.
    private final class Box: Sendable {
        let handshake = Mutex<Handshake?>(nil)
        let isAdmitted = Atomic(false)

        /// Whether the peer was let in. Relaxed: all of it happens on the reactor's thread, or in order.
        var wasAdmitted: Bool { isAdmitted.load(ordering: .relaxed) }

        /// Gives the handshake away.
        func take() -> Handshake? {
            handshake.withLock { handshake in
                defer { handshake = nil }
                return handshake
            }
        }
    }

    /// Gives up the oldest connections that have not said HELLO, until few enough are left.
    private func evict(keeping limit: Int) {
        let victims = state.withLock { state in
            let surplus = state.halfOpen.count - limit
            return surplus > 0 ? Array(state.halfOpen.filter { !$0.isAcquainted }.prefix(surplus)) : []
        }
        for victim in victims {
            victim.abandon(
                NaruError(
                    .deadlineExceeded, operation: "negotiate", object: address,
                    reason: "it said nothing while more than \(limit) connections waited"), refusal: nil)
        }
    }

    /// Whether a peer that said HELLO may go on.
    /// - Parameter userID: Its user; `nil` over a network that says nothing of it: then who may connect is for the
    ///   address and for the network to say.
    private func admit(_ userID: UInt32?, _ box: Box) -> HandshakeRefusal? {
        guard !box.isAdmitted.load(ordering: .relaxed) else { return nil }
        if let userID, !HostInformation.isOwnUser(userID), !(isRemote && permitsInsecure) {
            return HandshakeRefusal(
                code: .user, reason: "\(Self.naming(userID)) is not the user of this end",
                remedy: "run both ends as one user")
        }
        let hasRoom = state.withLock { state in
            let inUse = state.admitted + state.serving
            let limit = if case .many(let backlog) = capacity { state.serving + backlog } else { 1 }
            guard inUse + (isMany ? accepted.count : 0) < limit else { return false }
            state.admitted += 1
            return true
        }
        guard hasRoom else {
            return HandshakeRefusal(
                code: .busy,
                reason: isMany
                    ? "too many links wait to be accepted"
                    : "the receiver serves another sender and takes one at a time",
                remedy: isMany ? nil : "wait until it has finished, or use a listener there")
        }
        box.isAdmitted.store(true, ordering: .relaxed)
        return nil
    }

    /// A user that is not this end's own; one that has this end's number is so because that number is everybody's.
    static func naming(_ userID: UInt32) -> String {
        let isAnybody = userID == HostInformation.userID
        return "user \(userID)" + (isAnybody ? ", whom this user namespace does not tell from others," : "")
    }

    private var isMany: Bool { if case .many = capacity { true } else { false } }

    private func completed(
        _ handshake: Handshake?, wasAdmitted: Bool, isRemote: Bool, _ result: Result<Handshake.Established, NaruError>
    ) {
        let isClosed = state.withLock { state in
            state.halfOpen.removeAll { $0 === handshake }
            if wasAdmitted { state.admitted -= 1 }
            if case .success = result { state.serving += 1 }
            return state.isClosed
        }
        switch result {
        case .failure(let error):
            // Who came over a network, said nothing and went, came in by another way, or only looked.
            let onlyLooked = isRemote && error.code == .peerVanished && handshake?.isAcquainted != true
            if !isClosed, error.code != .closed, !onlyLooked { log.refused(error) }
        case .success(let established):
            accepted.put(established)  // Closed meanwhile, it drops the link, and the peer is told.
            established.link.onClose { [weak self] _ in self?.released() }
        }
    }

    /// A link has closed. A listener for one served its one, which may still have to be taken: its peer may have sent
    /// everything and gone before anybody looked.
    private func released() {
        state.withLock { $0.serving -= 1 }
        if isMany || runtime.isForked { return }
        accepted.end(stop())
    }
}
