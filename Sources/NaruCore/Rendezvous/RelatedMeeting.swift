// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// Negotiates a link over the connection between a process and one that it started.
struct RelatedMeeting {
    private let runtime: Runtime
    private let end: RelatedEnd
    private let hello: Hello
    private let deadline: Deadline
    private let results = Mailbox<Outcome>()

    private typealias Outcome = Result<Handshake.Established, NaruError>

    init(_ runtime: Runtime, _ end: RelatedEnd, hello: Hello, deadline: Deadline) {
        self.runtime = runtime
        self.end = end
        self.hello = hello
        self.deadline = deadline
    }

    /// The link, once the other process asks for it too.
    /// - Throws: ``NaruError/Code/unreachable`` when it did not until the deadline, how it ended where it did before,
    ///   ``NaruError/Code/peerVanished`` when it closed its end, why it refused, ``NaruError/Code/noTransport``,
    ///   ``NaruError/Code/closed`` when the link was opened before, ``NaruError/Code/cancelled``.
    func meet() async throws(NaruError) -> Handshake.Established {
        try remember()
        defer { runtime.forget(ObjectIdentifier(results)) }
        let (handshake, child) = try begin()
        do {
            return try settled(
                try await results.wait(deadline: .never, reactor: runtime.reactor, "open", "\(end)"), child)
        } catch {
            handshake.abandon(error)
            child?.closed()
            guard error.code == .peerVanished, let child else { throw error }
            // A process closes its descriptors a moment before it has ended.
            let status = try? await child.waitForEnd(deadline: .after(Self.grace))
            throw status.map { Child.reason($0).error("open", "\(end)") } ?? error
        }
    }

    /// As ``meet()``, blocking the calling thread.
    func meetBlocking() throws(NaruError) -> Handshake.Established {
        try remember()
        defer { runtime.forget(ObjectIdentifier(results)) }
        let (handshake, child) = try begin()
        do {
            return try settled(try results.waitBlocking(deadline: .never, "open", "\(end)"), child)
        } catch {
            handshake.abandon(error)
            child?.closed()
            guard error.code == .peerVanished, let child else { throw error }
            let status = try? child.waitForEndBlocking(deadline: .after(Self.grace))
            throw status.map { Child.reason($0).error("open", "\(end)") } ?? error
        }
    }

    /// How long a connection that hung up waits for the kernel to say how the process ended.
    private static let grace = Duration.milliseconds(40)

    private func remember() throws(NaruError) {
        try runtime.checkFork("open", end.name)
        try runtime.remember(ObjectIdentifier(results)) { [results] in results.close(Runtime.shutDown) }
    }

    private func begin() throws(NaruError) -> (Handshake, Child?) {
        let (socket, child) = try end.take()
        let connection: ControlConnection
        do throws(SystemError) {
            connection = try ControlConnection(socket, runtime: runtime)
        } catch {
            throw NaruError(error, operation: "open", object: "\(end)")
        }
        child?.opens()
        let handshake = Handshake(
            role: end.role, runtime: runtime, hello: hello, connection: connection, related: true,
            admit: { userID in
                if HostInformation.isOwnUser(userID) { return nil }
                return HandshakeRefusal(
                    code: .user, reason: "\(LocalListener.naming(userID)) is not the user of this end",
                    remedy: "run both ends as one user")
            },
            completion: { [results] in results.put($0) })
        // The process may be starting, and ask for the link much later: the handshake has all the time there is.
        handshake.start(deadline: deadline)
        return (handshake, child)
    }

    private func settled(_ outcome: Outcome?, _ child: Child?) throws(NaruError) -> Handshake.Established {
        switch outcome {
        case .success(let established):
            if let child { established.link.onClose { _ in child.closed() } }
            return established
        case .failure(let error) where error.code == .deadlineExceeded:
            throw NaruError(
                .unreachable, operation: "open", object: "\(end)",
                reason: "the process at the other end did not open it before the deadline",
                remedy: "open the link of this name there too; for a new attempt, start the process again")
        case .failure(let error): throw error
        case nil: throw Runtime.shutDown
        }
    }
}

extension Runtime {
    /// Opens a link with a process that started this one, or that this one started, and sends.
    /// - Parameters:
    ///   - end: this process's end.
    ///   - request: what this end asks of the link.
    ///   - deadline: until when to wait for the other process to open it too.
    /// - Throws: ``NaruError/Code/unreachable``, ``NaruError/Code/peerVanished``, ``NaruError/Code/refused``,
    ///   ``NaruError/Code/noTransport`` with every candidate's reason, ``NaruError/Code/closed`` when it was opened
    ///   before, ``NaruError/Code/cancelled``.
    public func sender(
        _ end: RelatedEnd, _ request: LinkRequest = LinkRequest(), deadline: Deadline = .after(.seconds(30))
    ) async throws(NaruError) -> sending Sender {
        try makeSender(try await meeting(end, request, sends: true, receives: false, deadline).meet())
    }

    /// Opens a link with a process that started this one, or that this one started, and receives.
    /// - Throws: as ``sender(_:_:deadline:)-(RelatedEnd,_,_)``.
    public func receiver(
        _ end: RelatedEnd, _ request: LinkRequest = LinkRequest(), deadline: Deadline = .after(.seconds(30))
    ) async throws(NaruError) -> sending Receiver {
        try makeReceiver(try await meeting(end, request, sends: false, receives: true, deadline).meet())
    }

    /// Opens a duplex link with a process that started this one, or that this one started.
    /// - Throws: as ``sender(_:_:deadline:)-(RelatedEnd,_,_)``.
    public func channel(
        _ end: RelatedEnd, _ request: LinkRequest = LinkRequest(), deadline: Deadline = .after(.seconds(30))
    ) async throws(NaruError) -> sending Channel {
        try makeChannel(try await meeting(end, request.duplex, sends: true, receives: true, deadline).meet())
    }

    func meeting(
        _ end: RelatedEnd, _ request: LinkRequest, sends: Bool, receives: Bool, _ deadline: Deadline
    ) -> RelatedMeeting {
        RelatedMeeting(
            self, end, hello: hello(name: end.name, request, sends: sends, receives: receives), deadline: deadline)
    }

    /// The end of a link that this process inherited.
    /// - Throws: ``NaruError/Code/unreachable`` naming those that it did inherit.
    func inheritedEnd(_ name: String) throws(NaruError) -> RelatedEnd {
        if let end = inherited[name] ?? (name.isEmpty && inherited.count == 1 ? inherited.values.first : nil) {
            return end
        }
        let others = inherited.keys.sorted().joined(separator: ", ")
        throw NaruError(
            .unreachable, operation: "open", object: "inherited:\(name)",
            reason: "this process inherited "
                + (others.isEmpty ? "no link: nobody started it with one" : "only \(others)"),
            remedy: "name the link where the process is started")
    }

    /// The names of the links that this process inherited, sorted.
    public var inheritedLinks: [String] { inherited.keys.sorted() }
}

extension BlockingRuntime {
    /// As ``Runtime/sender(_:_:deadline:)-(RelatedEnd,_,_)``; blocks the calling thread.
    public func sender(
        _ end: RelatedEnd, _ request: LinkRequest = LinkRequest(), deadline: Deadline = .after(.seconds(30))
    ) throws(NaruError) -> sending Sender {
        try runtime.makeSender(
            try runtime.meeting(end, request, sends: true, receives: false, deadline).meetBlocking())
    }

    /// As ``Runtime/receiver(_:_:deadline:)-(RelatedEnd,_,_)``; blocks the calling thread.
    public func receiver(
        _ end: RelatedEnd, _ request: LinkRequest = LinkRequest(), deadline: Deadline = .after(.seconds(30))
    ) throws(NaruError) -> sending Receiver {
        try runtime.makeReceiver(
            try runtime.meeting(end, request, sends: false, receives: true, deadline).meetBlocking())
    }

    /// As ``Runtime/channel(_:_:deadline:)-(RelatedEnd,_,_)``; blocks the calling thread.
    public func channel(
        _ end: RelatedEnd, _ request: LinkRequest = LinkRequest(), deadline: Deadline = .after(.seconds(30))
    ) throws(NaruError) -> sending Channel {
        try runtime.makeChannel(
            try runtime.meeting(end, request.duplex, sends: true, receives: true, deadline).meetBlocking())
    }
}
