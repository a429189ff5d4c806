// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// Listens on one address and yields one endpoint for each peer. Safe to use from several tasks.
public final class Listener: Sendable {
    /// How many established links may wait to be accepted before peers are refused as busy.
    static let backlog = 64

    private let listener: LinkListener
    private let runtime: Runtime

    /// Where it listens, with what the kernel chose: `local:frames`, `tcp:127.0.0.1:34567`.
    public var address: String { listener.address }

    init(_ listener: LinkListener, _ runtime: Runtime) {
        self.listener = listener
        self.runtime = runtime
    }

    deinit {
        // In a forked child, what it holds of half-open links would go with it, and tell their peers.
        if runtime.isForked { Link.abandon(listener) }
    }

    /// The next peer's channel, on a listener whose request is duplex.
    /// - Returns: the channel, or `nil` at the deadline.
    /// - Throws: ``NaruError/Code/closed`` after ``close()``, ``NaruError/Code/cancelled``.
    public func nextChannel(deadline: Deadline = .never) async throws(NaruError) -> sending Channel? {
        guard let established = try await listener.next(deadline: deadline) else { return nil }
        return try runtime.makeChannel(established)
    }

    /// The next peer's receiver, on a listener whose request is simplex.
    /// - Returns: the receiver, or `nil` at the deadline.
    /// - Throws: ``NaruError/Code/closed`` after ``close()``, ``NaruError/Code/cancelled``.
    public func nextReceiver(deadline: Deadline = .never) async throws(NaruError) -> sending Receiver? {
        guard let established = try await listener.next(deadline: deadline) else { return nil }
        return try runtime.makeReceiver(established)
    }

    /// Stops listening. Endpoints that were given out live on. Idempotent.
    public func close() {
        listener.close()
    }
}
