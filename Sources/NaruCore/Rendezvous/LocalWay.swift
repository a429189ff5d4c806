// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// The way by which two ends that met over a network come together on one host, where they share one: a socket of the
/// listener's that only processes of its network namespace can reach, whose name and a nonce the listener sends over
/// the first connection, and where the dialer presents the nonce. Whoever arrives there is known to the kernel, can be
/// passed descriptors, and is on this host: proved, not inferred.
///
/// The name is one of the abstract namespace, so there is nothing in a folder that could go stale, and ends that
/// somebody has put into network namespaces of their own stay apart, whatever folders they share.
final class LocalWay: Sendable {
    /// What the listener says first on every connection over a network.
    struct Invitation: Hashable, Sendable {
        /// To be presented at the door.
        var nonce: LinkID
        /// The socket's name; empty: there is no door.
        var door: String

        /// The longest name of a door, bytes.
        static let maximumDoorBytes = 100

        /// Of an end that has no door, or wants nobody there.
        static let nowhere = Invitation(nonce: LinkID(high: 0, low: 0), door: "")
    }

    /// How many nonces may be outstanding; beyond it the oldest is forgotten.
    private static let maximumNonces = 256

    private let name: String
    private let acceptor: ConnectionAcceptor
    private let nonces = Mutex<[LinkID]>([])

    /// Makes a door.
    init(_ reactor: Reactor) throws(SystemError) {
        name = "naru-\(LinkID.random())"
        let socket = try UnixSocket.listen(abstract: name, backlog: 128)
        acceptor = ConnectionAcceptor(socket, reactor: reactor)
        try UnixSocket.passCredentials(socket, true)
    }

    /// Begins to take visitors.
    func open(
        _ arrived: @escaping @Sendable (Descriptor) -> Void, troubled: @escaping @Sendable (SystemError) -> Void
    ) throws(SystemError) {
        try acceptor.start(accepted: arrived, troubled: troubled)
    }

    /// Invites somebody.
    func invite() -> Invitation {
        let nonce = LinkID.random()
        nonces.withLock { nonces in
            if nonces.count == Self.maximumNonces { nonces.removeFirst() }
            nonces.append(nonce)
        }
        return Invitation(nonce: nonce, door: name)
    }

    /// Whether somebody was invited with this nonce, and has not come yet.
    func admits(_ nonce: LinkID) -> Bool {
        nonces.withLock { nonces in
            guard let place = nonces.firstIndex(of: nonce) else { return false }
            nonces.remove(at: place)
            return true
        }
    }

    func close() {
        acceptor.stop()
    }

    /// Why an end's own policy leaves nothing to come together for; `nil` where there is something.
    static func objection(_ requirements: Requirements, _ records: [CapabilityRecord]) -> String? {
        let isUseful = records.contains { record in
            record.availability == .available && record.localities.contains(.sameHost)
                && !record.localities.contains(.remote) && !requirements.deny.contains(record.transport)
                && requirements.transports?.contains(record.transport) ?? true
        }
        return isUseful ? nil : "permits no transport that needs one host"
    }

    /// Goes to a door. The other end's user must be this end's own.
    /// - Returns: the connection, with credentials passing on; or why not.
    static func visit(_ invitation: Invitation) -> Result<Descriptor, Refusal> {
        do throws(SystemError) {
            let socket = try UnixSocket.connect(abstract: invitation.door)
            try UnixSocket.passCredentials(socket, true)
            let user = try UnixSocket.peerCredentials(socket).userID
            guard HostInformation.isOwnUser(user) else {
                return .failure(Refusal(reason: "\(LinkListener.naming(user)) listens, not the user of the dialer"))
            }
            return .success(socket)
        } catch {
            return .failure(
                Refusal(
                    reason: error.errno == SystemErrno.connectionRefused
                        ? "the listener's local socket is not in the dialer's network namespace"
                        : "the listener's local socket could not be reached: \(error)"))
        }
    }

    /// Why two ends did not come together.
    struct Refusal: Error {
        let reason: String
    }
}
