// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// Connects to an address and waits until somebody listens there: looks for a name of this host in every folder where
/// it may be, and for others through the rendezvous of their scheme.
struct LinkDialer {
    private let runtime: Runtime
    private let address: Address
    private let object: String
    private let request: DialRequest
    private let results = Mailbox<DialAnswer>()
    private var pause: Duration
    private let longestPause: Duration
    private var problem: String?

    /// The pauses between two looks. On one host they are short, because a look is one failed `connect`; over a network
    /// one costs packets.
    private static let (localPauses, remotePauses) = (
        (first: Duration.milliseconds(1), longest: Duration.milliseconds(20)),
        (first: Duration.milliseconds(10), longest: Duration.milliseconds(500))
    )

    init(_ runtime: Runtime, _ address: Address, _ request: LinkRequest, hello: Hello, deadline: Deadline) {
        self.runtime = runtime
        self.address = address
        object = address.description
        self.request = DialRequest(hello: hello, permitsInsecure: request.insecure, deadline: deadline)
        let pauses = address.isRemote ? Self.remotePauses : Self.localPauses
        (pause, longestPause) = (pauses.first, pauses.longest)
    }

    /// A connected and negotiated link.
    /// - Throws: ``NaruError/Code/unreachable`` when nobody listened until the deadline, naming where it looked; why
    ///   the peer refused; ``NaruError/Code/noTransport`` with every candidate's reason.
    mutating func dial() async throws(NaruError) -> Handshake.Established {
        try remember()
        defer { runtime.forget(ObjectIdentifier(results)) }
        while true {
            if let attempt = try begin() {
                let answer: DialAnswer?
                do {
                    answer = try await results.wait(deadline: .never, reactor: runtime.reactor, "connect", object)
                } catch {
                    attempt.abandon(error)
                    throw error
                }
                if let established = try settled(answer) { return established }
            }
            _ = try await results.wait(deadline: try nextLook(), reactor: runtime.reactor, "connect", object)
        }
    }

    /// As ``dial()``, blocking the calling thread.
    mutating func dialBlocking() throws(NaruError) -> Handshake.Established {
        try remember()
        defer { runtime.forget(ObjectIdentifier(results)) }
        while true {
            if let attempt = try begin() {
                let answer: DialAnswer?
                do {
                    answer = try results.waitBlocking(deadline: .never, "connect", object)
                } catch {
                    attempt.abandon(error)
                    throw error
                }
                if let established = try settled(answer) { return established }
            }
            _ = try results.waitBlocking(deadline: try nextLook(), "connect", object)
        }
    }

    /// A shutdown ends the dial, whatever it waits for.
    private func remember() throws(NaruError) {
        try runtime.checkFork("connect", object)
        try runtime.remember(ObjectIdentifier(results)) { [results] in results.close(Runtime.shutDown) }
    }

    /// Begins to connect; `nil` when it is known already that nobody listens now. An attempt answers once.
    private func begin() throws(NaruError) -> (any DialTrial)? {
        switch address {
        case .local(let name): try LocalDial.begin(name, runtime, request, results)
        case .network(let place): try NetworkDial.begin(place, runtime, request, results)
        case .medium, .inherited: throw address.hasNoListener("connect")
        }
    }

    /// A link; `nil` when nobody listens, or the listener died in the middle and may come back.
    private mutating func settled(_ answer: DialAnswer?) throws(NaruError) -> Handshake.Established? {
        switch answer {
        case .established(let established): return established
        case .failed(let error):
            // A listener that closed is none, also when there is no time for another.
            if error.code == .closed {
                problem = error.reason
                return nil
            }
            if error.code == .peerVanished, !request.deadline.isPast { return nil }
            throw error
        case .nobody(let reason):
            problem = reason ?? problem
            return nil
        case nil: return nil
        }
    }

    /// When to look again.
    /// - Throws: ``NaruError/Code/unreachable`` when the deadline has passed.
    private mutating func nextLook() throws(NaruError) -> Deadline {
        guard !request.deadline.isPast else {
            throw NaruError(
                .unreachable, operation: "connect", object: object,
                reason: "nobody listened before the deadline; looked at \(places)",
                remedy: address.isRemote
                    ? "start the other end, and check the address and what lies between"
                    : "start the other end, or give both ends the same NARU_RUNTIME_DIR")
        }
        let next = min(request.deadline, Deadline.after(pause))
        pause = min(pause * 2, longestPause)
        return next
    }

    /// Where was looked.
    private var places: String {
        guard case .local(let name) = address else { return object + " (\(problem ?? "it did not answer in time"))" }
        return runtime.directories.paths.map { directory in
            let problem = (try? RuntimeDirectories.problem(directory)).flatMap { $0 }
            return "\(directory)/\(name).sock" + (problem.map { " (not used: \($0))" } ?? "")
        }.joined(separator: ", ")
    }
}

/// What a dial wants.
struct DialRequest: Sendable {
    let hello: Hello
    let permitsInsecure: Bool
    let deadline: Deadline

    /// How long one handshake may take.
    var handshakeDeadline: Deadline { min(deadline, .after(.seconds(10))) }
}

/// How an attempt ended.
enum DialAnswer: Sendable {
    case established(Handshake.Established)
    case failed(NaruError)
    /// Nobody listens there now, for this reason; `nil` when there was no time to find out.
    case nobody(String?)

    init(_ result: Result<Handshake.Established, NaruError>) {
        switch result {
        case .success(let established): self = .established(established)
        case .failure(let error): self = .failed(error)
        }
    }
}

/// An attempt under way.
protocol DialTrial: AnyObject, Sendable {
    /// Gives it up.
    func abandon(_ error: NaruError)
}
