// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What is known of two ends to each other: the result of a proof, or an assumption for a dry run.
public struct Relation: Codable, Sendable, Hashable {
    /// Where they are to each other.
    public var locality: Locality
    /// Whether both run as one user.
    public var sameUser: Bool
    /// The kinds of namespace both share (`net`, `ipc`, `mnt`).
    public var sharedNamespaces: [String]
    /// Why the ends are no nearer to each other, where that was found out: a sentence for people, after "the ends are
    /// remote:".
    public var evidence: String?

    /// Makes a relation from what was proved.
    public init(locality: Locality, sameUser: Bool, sharedNamespaces: [String], evidence: String? = nil) {
        self.locality = locality
        self.sameUser = sameUser
        self.sharedNamespaces = sharedNamespaces
        self.evidence = evidence
    }

    /// What a dry run assumes: one user and, on one host, all namespaces shared.
    public static func assumed(_ locality: Locality) -> Relation {
        Relation(
            locality: locality, sameUser: true, sharedNamespaces: locality == .remote ? [] : ["ipc", "mnt", "net"])
    }
}
