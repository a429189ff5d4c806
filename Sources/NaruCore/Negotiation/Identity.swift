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
    ///   - isRemote: whether they met over a network and did not come together on one host. Then they are remote
    ///     whatever they claim: nothing that needs one host can be proved over such a connection.
    ///   - apart: why they did not come together, as the dialer found.
    static func between(
        _ own: ProcessClaim, _ peer: ProcessClaim, sameUser: Bool, related: Bool, isRemote: Bool = false,
        apart: String? = nil
    ) -> Relation {
        if isRemote {
            return Relation(
                locality: .remote, sameUser: false, sharedNamespaces: [], evidence: evidence(own, peer, apart))
        }
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

    /// Why two ends that met over a network stay on it.
    private static func evidence(_ own: ProcessClaim, _ peer: ProcessClaim, _ apart: String?) -> String {
        let met = "they met over a network"
        guard own.host.mayShareHost(with: peer.host) else {
            return "\(met), and each says that it runs on another host"
        }
        if let mine = own.host.namespaces["net"], let theirs = peer.host.namespaces["net"], mine != theirs {
            return "\(met), and although they may share a host, they are in different network namespaces"
        }
        return "\(met), and did not come together on one host" + (apart.map { ": \($0)" } ?? "")
    }
}
