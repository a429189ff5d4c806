// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// Connects to a name of this host: looks in every folder where it may be, and waits until somebody listens.
struct LocalDialer {
    private let runtime: Runtime
    private let name: String
    private let hello: Hello
    private let deadline: Deadline
    private let results = Mailbox<Outcome>()
    private var pause = Duration.milliseconds(1)

    /// The longest pause between two looks. Short, because a look is one failed `connect`.
    private static let longestPause = Duration.milliseconds(20)

    init(_ runtime: Runtime, name: String, hello: Hello, deadline: Deadline) {
        self.runtime = runtime
        self.name = name
        self.hello = hello
        self.deadline = deadline
    }

    /// A connected and negotiated link.
    /// - Throws: ``NaruError/Code/unreachable`` when nobody listened until the deadline, naming where it looked; why the
    ///   peer refused; ``NaruError/Code/noTransport`` with every candidate's reason.
    mutating func dial() async throws(NaruError) -> Handshake.Established {
        try remember()
        defer { runtime.forget(ObjectIdentifier(results)) }
        while true {
            if let handshake = try begin() {
                let outcome: Outcome?
                do {
                    outcome = try await results.wait(
                        deadline: .never, reactor: runtime.reactor, "connect", "local:\(name)")
                } catch {
                    handshake.abandon(error)
                    throw error
                }
                if let established = try settled(outcome) { return established }
            }
            _ = try await results.wait(
                deadline: try nextLook(), reactor: runtime.reactor, "connect", "local:\(name)")
        }
    }

    /// As ``dial()``, blocking the calling thread.
    mutating func dialBlocking() throws(NaruError) -> Handshake.Established {
        try remember()
        defer { runtime.forget(ObjectIdentifier(results)) }
        while true {
            if try begin() != nil {
                let outcome = try results.waitBlocking(deadline: .never, "connect", "local:\(name)")
                if let established = try settled(outcome) { return established }
            }
            _ = try results.waitBlocking(deadline: try nextLook(), "connect", "local:\(name)")
        }
    }

    private typealias Outcome = Result<Handshake.Established, NaruError>

    /// A shutdown ends the dial, whatever it waits for.
    private func remember() throws(NaruError) {
        try runtime.checkFork("connect", name)
        try runtime.remember(ObjectIdentifier(results)) { [results] in results.close(Runtime.shutDown) }
    }

    /// Connects where somebody listens and begins the handshake; `nil` when nobody does now.
    private func begin() throws(NaruError) -> Handshake? {
        guard let socket = try connect() else { return nil }
        do {
            try UnixSocket.passCredentials(socket, true)
            let connection = try ControlConnection(socket, runtime: runtime)
            let user = connection.credentials.userID
            guard HostInformation.isOwnUser(user) else {
                throw NaruError(
                    .refused, operation: "connect", object: "local:\(name)",
                    reason: "\(LocalListener.naming(user)) listens on it, not the user of this end",
                    remedy: "run both ends as one user")
            }
            let handshake = Handshake(
                role: .dialer, runtime: runtime, hello: hello, connection: connection, related: false,
                admit: { _ in nil }, completion: { [results] in results.put($0) })
            handshake.start(deadline: min(deadline, .after(.seconds(10))))
            return handshake
        } catch let error as SystemError {
            throw NaruError(error, operation: "connect", object: "local:\(name)")
        } catch {
            throw error as! NaruError
        }
    }

    private func connect() throws(NaruError) -> Descriptor? {
        for directory in runtime.directories.paths {
            let path = directory + "/" + name + ".sock"
            guard path.utf8.count <= UnixSocket.maximumPathBytes else { continue }
            do {
                // Where another user may have put the name, nobody looks: it would keep this end from those after it.
                if try RuntimeDirectories.problem(directory) != nil { continue }
                return try UnixSocket.connect(path: path)
            } catch {
                switch error.errno {
                case SystemErrno.notFound, SystemErrno.connectionRefused, SystemErrno.again, SystemErrno.notADirectory:
                    continue  // Nobody there yet, a stale socket, or a full backlog: look again later.
                default:
                    throw NaruError(error, operation: "connect", object: "local:\(name)")
                }
            }
        }
        return nil
    }

    /// A link; `nil` when the listener died in the middle and may come back.
    private func settled(_ outcome: Outcome?) throws(NaruError) -> Handshake.Established? {
        switch outcome {
        case .success(let established): return established
        case .failure(let error):
            let mayComeBack = error.code == .peerVanished || error.code == .closed
            if mayComeBack, !deadline.isPast { return nil }
            throw error
        case nil: return nil
        }
    }

    /// When to look again.
    /// - Throws: ``NaruError/Code/unreachable`` when the deadline has passed.
    private mutating func nextLook() throws(NaruError) -> Deadline {
        guard !deadline.isPast else {
            let places = runtime.directories.paths.map { directory in
                let problem = (try? RuntimeDirectories.problem(directory)).flatMap { $0 }
                return "\(directory)/\(name).sock" + (problem.map { " (not used: \($0))" } ?? "")
            }.joined(separator: ", ")
            throw NaruError(
                .unreachable, operation: "connect", object: "local:\(name)",
                reason: "nobody listened before the deadline; looked at \(places)",
                remedy: "start the other end, or give both ends the same NARU_RUNTIME_DIR")
        }
        let next = min(deadline, Deadline.after(pause))
        pause = min(pause * 2, Self.longestPause)
        return next
    }
}
