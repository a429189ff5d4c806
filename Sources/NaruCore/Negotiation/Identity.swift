// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// Who one end of a connection says it is. A claim for finding out where the two ends are to each other, never a ground
/// for trust: that comes from the kernel's credentials alone.
public struct ProcessClaim: Codable, Hashable, Sendable {
    /// Random, 128 bits in hexadecimal, made once for each copy of the library in a process.
    public var image: String
    /// The process's id in its own PID namespace.
    public var processID: Int32
    /// When the process started, in clock ticks after boot.
    public var startTime: UInt64
    /// The host's boot and the process's namespaces.
    public var host: HostIdentity

    /// A claim of an identity.
    public init(image: String, processID: Int32, startTime: UInt64, host: HostIdentity) {
        self.image = image
        self.processID = processID
        self.startTime = startTime
        self.host = host
    }

    /// This process's own.
    public static func current() -> ProcessClaim {
        let identity = ProcessIdentity.current
        return ProcessClaim(
            image: imageNonce.description, processID: identity.processID, startTime: identity.startTime,
            host: HostIdentity.current())
    }

    /// One for each copy of the library: two copies linked into one program are neighbours on a host to each other.
    private static let imageNonce = LinkID.random()
}

extension Relation {
    /// Where a peer is, from both claims and from what the kernel said of the connection.
    ///
    /// The claims are hints, and one may be missing: the two are on one host unless both say otherwise. Whether a
    /// transport really works between them is proved when it opens; one that does not gives way to the next.
    /// - Parameters:
    ///   - own: this end.
    ///   - peer: the other end's claim.
    ///   - sameUser: whether the kernel gave the peer this end's own user id.
    ///   - related: whether one of the two started the other, as known from an inherited descriptor.
    static func between(_ own: ProcessClaim, _ peer: ProcessClaim, sameUser: Bool, related: Bool) -> Relation {
        let locality: Locality =
            if own.image == peer.image && own.processID == peer.processID {
                .sameProcess
            } else if own.host.mayShareHost(with: peer.host) {
                related ? .relatedProcess : .sameHost
            } else {
                .remote
            }
        let shared = own.host.namespaces.filter { peer.host.namespaces[$0.key] == $0.value }.keys.sorted()
        return Relation(locality: locality, sameUser: sameUser, sharedNamespaces: shared)
    }
}
