// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// Listens on one name of this host and runs the handshakes of whoever connects, on the reactor's thread, whether or not
/// anybody awaits a link.
///
/// Half-open connections are bounded: when there are too many, the oldest that has not said HELLO is given up, so that
/// peers that say nothing cannot keep others out.
final class LocalListener: Sendable {
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
        var registration: Reactor.Registration?
        var isClosed = false
    }

    let name: String
    private let runtime: Runtime
    private let hello: Hello
    private let capacity: Capacity
    private let socket: Descriptor
    private let path: String
    private let lock: NameLock
    private let log: RefusalLog
    private let accepted = Mailbox<Handshake.Established>()
    private let state = Mutex(State())

    /// Binds the name and begins to listen.
    /// - Throws: ``NaruError/Code/busy`` when somebody else listens on it; what the kernel refused.
    init(_ runtime: Runtime, name: String, hello: Hello, capacity: Capacity) throws(NaruError) {
        self.runtime = runtime
        self.name = name
        self.hello = hello
        self.capacity = capacity
        let directory = try runtime.directories.usable()
        path = directory + "/" + name + ".sock"
        guard path.utf8.count <= UnixSocket.maximumPathBytes else {
            throw NaruError(
                .invalidArgument, operation: "listen", object: path,
                reason: "a socket's path has at most \(UnixSocket.maximumPathBytes) bytes, this one \(path.utf8.count)",
                remedy: "set NARU_RUNTIME_DIR to a shorter folder")
        }
        lock = try NameLock(directory: directory, name: name)
        log = RefusalLog(logger: runtime.logger, reactor: runtime.reactor, address: "local:\(name)")
        do {
            socket = try Self.bind(path)
            try UnixSocket.passCredentials(socket, true)
        } catch {
            lock.release()
            throw error as? NaruError ?? NaruError(error as! SystemError, operation: "listen", object: path)
        }
    }

    /// Removes a socket that the lock proves stale, then binds.
    private static func bind(_ path: String) throws -> Descriptor {
        if let status = try? FileSystem.status(path, followingSymbolicLinks: false) {
            guard status.kind == .socket else {
                throw NaruError(
                    .system, operation: "listen", object: path, reason: "something that is no socket lies there",
                    remedy: "remove it")
            }
            try FileSystem.remove(path)
        }
        return try UnixSocket.listen(path: path, backlog: 512, permissions: 0o600)
    }

    deinit {
        close()
    }

    /// Begins to accept connections.
    func start() throws(NaruError) {
        do {
            let registration = try runtime.reactor.add(socket, events: [.readable], oneShot: false) { [weak self] _ in
                self?.acceptAll()
            }
            state.withLock { $0.registration = registration }
        } catch {
            throw NaruError(error, operation: "listen", object: path)
        }
        try runtime.remember(ObjectIdentifier(self)) { [weak self] in self?.close() }
    }

    /// The next established link; `nil` at the deadline.
    func next(deadline: Deadline) async throws(NaruError) -> Handshake.Established? {
        try runtime.checkFork("accept", name)
        return try await accepted.wait(deadline: deadline, reactor: runtime.reactor, "accept", "local:\(name)")
    }

    /// The next established link; `nil` at the deadline. Blocks the calling thread.
    func nextBlocking(deadline: Deadline) throws(NaruError) -> Handshake.Established? {
        try runtime.checkFork("accept", name)
        return try accepted.waitBlocking(deadline: deadline, "accept", "local:\(name)")
    }

    /// Why a wait for a peer ended without one.
    func nobodyCame() -> NaruError {
        NaruError(
            .unreachable, operation: "listen", object: "local:\(name)",
            reason: "nobody connected to \(path) before the deadline",
            remedy: "start the other end, or give both ends the same NARU_RUNTIME_DIR")
    }

    /// Stops listening and removes the name. Links that were given out live on. Idempotent.
    func close() {
        if runtime.isForked { return }
        let gone = stop()
        // Links that nobody took are left, and their peers told, by dropping them.
        accepted.close(gone)
    }

    /// Stops listening and removes the name, and returns what waits for a peer then throw.
    @discardableResult
    private func stop() -> NaruError {
        let gone = NaruError(.closed, operation: "accept", object: "local:\(name)", reason: "the listener closed")
        let (registration, halfOpen, first) = state.withLock { state in
            defer {
                state.isClosed = true
                state.registration = nil
                state.halfOpen = []
            }
            return (state.registration, state.halfOpen, !state.isClosed)
        }
        guard first else { return gone }
        if let registration { runtime.reactor.remove(registration) }
        for handshake in halfOpen {
            handshake.abandon(
                gone, refusal: HandshakeRefusal(code: .closed, reason: "the listener closed", remedy: nil))
        }
        try? FileSystem.remove(path)
        socket.close()
        lock.release()
        runtime.forget(ObjectIdentifier(self))
        return gone
    }

    // MARK: On the reactor's thread

    private func acceptAll() {
        do {
            while let connection = try UnixSocket.accept(socket) { try begin(connection) }
        } catch {
            // No descriptors left: the connection stays in the backlog, and the socket readable. Give up those that say
            // nothing, look away for a moment, and come back.
            log.refused(NaruError(error, operation: "accept", object: path))
            evict(keeping: Self.maximumHalfOpen / 8)
            pause()
        }
    }

    private func begin(_ descriptor: Descriptor) throws(SystemError) {
        let connection = try ControlConnection(descriptor, runtime: runtime)
        let box = Box()
        let handshake = Handshake(
            role: .listener, runtime: runtime, hello: hello, connection: connection, related: false,
            admit: { [weak self] userID in self?.admit(userID, box) ?? nil },
            completion: { [weak self] result in self?.completed(box, result) })
        box.handshake.withLock { $0 = handshake }
        state.withLock { $0.halfOpen.append(handshake) }
        evict(keeping: Self.maximumHalfOpen)
        handshake.start(deadline: .after(Self.handshakeTime))
    }

    /// Lets a handshake's closures name it.
    private final class Box: Sendable {
        let handshake = Mutex<Handshake?>(nil)
        let isAdmitted = Atomic(false)
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
                    .deadlineExceeded, operation: "negotiate", object: "local:\(name)",
                    reason: "it said nothing while more than \(limit) connections waited"))
        }
    }

    /// Whether a peer that said HELLO may go on.
    private func admit(_ userID: UInt32, _ box: Box) -> HandshakeRefusal? {
        guard !box.isAdmitted.load(ordering: .relaxed) else { return nil }
        guard HostInformation.isOwnUser(userID) else {
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
                    ? "too many links wait to be accepted" : "the receiver serves another sender and takes one at a time",
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

    private func completed(_ box: Box, _ result: Result<Handshake.Established, NaruError>) {
        // The box is forgotten, so that the handshake and its closures do not keep each other.
        let handshake = box.handshake.withLock { handshake in
            defer { handshake = nil }
            return handshake
        }
        let wasAdmitted = box.isAdmitted.load(ordering: .relaxed)
        let isClosed = state.withLock { state in
            state.halfOpen.removeAll { $0 === handshake }
            if wasAdmitted { state.admitted -= 1 }
            if case .success = result { state.serving += 1 }
            return state.isClosed
        }
        switch result {
        case .failure(let error):
            if !isClosed, error.code != .closed { log.refused(error) }
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

    private func pause() {
        guard let registration = state.withLock({ $0.registration }) else { return }
        try? runtime.reactor.rearm(registration, events: [])
        _ = runtime.reactor.schedule(at: .after(.milliseconds(50))) { [weak self] in
            try? self?.runtime.reactor.rearm(registration, events: [.readable])
        }
    }
}
