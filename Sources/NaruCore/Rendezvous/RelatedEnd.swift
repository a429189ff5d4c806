// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// This process's end of a connection over which one link is negotiated with a process that started it, or that it
/// started. It needs no name on the host: the started process inherits the other end.
///
/// It serves one link, once: whoever opens it takes it.
public final class RelatedEnd: Sendable {
    /// The link's name, the same at both ends.
    public let name: String
    /// Who proposes: the process that started the other.
    let role: Role
    private let state: Mutex<State>

    private struct State {
        var socket: Descriptor?
        /// The process at the other end, where this one started it. It holds this end, hence weak.
        weak var child: Child?
    }

    /// Takes over one end of a pair of Unix stream sockets that pass credentials.
    init(name: String, role: Role, socket: Descriptor) {
        self.name = name
        self.role = role
        state = Mutex(State(socket: socket))
    }

    /// Says which process has the other end.
    func belongs(to child: Child) {
        state.withLock { $0.child = child }
    }

    /// A connected pair: what the process that starts another keeps, and what the other inherits.
    static func pair(name: String) throws(SystemError) -> (own: RelatedEnd, inherited: Descriptor) {
        let (own, inherited) = try UnixSocket.pair(kind: .stream)
        // Before anything is sent: the kernel attaches credentials to what comes in after this.
        try UnixSocket.passCredentials(own, true)
        try UnixSocket.passCredentials(inherited, true)
        return (RelatedEnd(name: name, role: .dialer, socket: own), inherited)
    }

    /// The connection, for whoever comes first, and the process that has its other end where this one started it.
    /// - Throws: ``NaruError/Code/closed``.
    func take() throws(NaruError) -> (Descriptor, Child?) {
        let (socket, child) = state.withLock { state in
            defer { state.socket = nil }
            return (state.socket, state.child)
        }
        guard let socket else {
            throw NaruError(
                .closed, operation: "open", object: "inherited:\(name)",
                reason: "this link was opened before, and there is one for each name",
                remedy: "start the process with one more link")
        }
        return (socket, child)
    }
}

extension RelatedEnd: CustomStringConvertible {
    /// As an address is written.
    public var description: String { "inherited:\(name)" }
}
