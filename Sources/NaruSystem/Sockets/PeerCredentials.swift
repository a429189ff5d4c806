// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// Who is, or was, at the other end of a local socket, as the kernel tells it.
public struct PeerCredentials: Sendable, Hashable {
    /// Its number in this process's PID namespace; 0 when it has none there.
    public let processID: Int32
    /// Its effective user, or the overflow user (65534) when it has no number in this user namespace.
    public let userID: UInt32
    /// Its effective group.
    public let groupID: UInt32

    /// What there is of a peer across a network, of which the kernel says nothing: no process, and nobody's user.
    public static let unknown = PeerCredentials(processID: 0, userID: .max, groupID: .max)

    /// Credentials.
    public init(processID: Int32, userID: UInt32, groupID: UInt32) {
        self.processID = processID
        self.userID = userID
        self.groupID = groupID
    }

    init(_ found: naru_credentials) {
        self.init(processID: found.process_id, userID: found.user_id, groupID: found.group_id)
    }
}
