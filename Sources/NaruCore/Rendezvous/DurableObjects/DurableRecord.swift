// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// What a sidecar file says of one object of the system: a kernel queue, a semaphore, a file that outlives its makers.
///
/// The sidecar lies in a runtime directory as `naru-<uid>-<link>.object`, JSON, mode 0600. Every process that uses the
/// object holds a share of the sidecar's kernel lock for as long, so the object is *alive* while somebody holds one,
/// however the holders die and whatever their process numbers are.
public struct DurableRecord: Codable, Sendable, Hashable {
    /// The version of the record's meaning, from 1.
    public var version: Int
    /// The object's name: `naru-<uid>-<link>`.
    public var name: String
    /// The mechanism whose object it is.
    public var kind: TransportName
    /// The object as the mechanism finds it: a queue's name, a key, a path.
    public var object: String
    /// A random id, the link's id for those that attach to it.
    public var id: LinkID
    /// When it was made, seconds since 1970.
    public var created: Int64
    /// The start of the host in which it was made; empty where that is hidden.
    public var boot: String
    /// The IPC namespace in which it was made; empty where that is hidden.
    public var namespace: String
    /// Whether the object was made. A sidecar that says no belongs to a maker that died half-way.
    public var isMade: Bool
    /// Whether the object goes with those who hold it: it is removed once nobody does, by whoever finds it so.
    public var isTransient: Bool
    /// The agreement: what all who attach must keep, in words of the mechanism.
    public var terms: [String: String]

    /// The name of the object of a link.
    public static func name(of link: String) -> String { "naru-\(HostInformation.userID)-\(link)" }

    /// The most bytes of a sidecar.
    static let maximumByteCount = 16 << 10

    /// A record of something about to be made here and now.
    init(
        link: String, kind: TransportName, object: String, terms: [String: String], isTransient: Bool,
        created: Int64, boot: String, namespace: String
    ) {
        version = 1
        name = Self.name(of: link)
        self.kind = kind
        self.object = object
        id = .random()
        self.created = created
        self.boot = boot
        self.namespace = namespace
        isMade = false
        self.isTransient = isTransient
        self.terms = terms
    }

    /// Whether every text is within bounds and fit for a terminal: a file may hold anything.
    var isWellFormed: Bool {
        let texts = [name, object, boot, namespace] + terms.keys + terms.values
        return version >= 1 && kind.isWellFormed && terms.count <= 32
            && texts.allSatisfy { $0.utf8.count <= 1024 && $0.unicodeScalars.allSatisfy(NameRule.isPrintable) }
    }
}

/// A mechanism whose objects have names and outlive the processes that use them. ``DurableObjects`` keeps their
/// sidecars; the mechanism makes, finds and removes the objects themselves. No operation blocks.
public protocol DurableMedium: Mechanism {
    /// Whether its objects outlive a restart of the host: files do, what the kernel holds does not.
    var survivesRestart: Bool { get }

    /// Makes the object that the record names, exclusively, with mode 0600. The caller holds the lock alone.
    /// - Throws: what refused; nothing is left behind.
    func make(_ record: DurableRecord) throws(NaruError)

    /// Whether the object is there and one's own. Does not change it.
    func exists(_ record: DurableRecord) throws(NaruError) -> Bool

    /// Removes the object and what belongs to it; nothing to do is no error. The caller holds the lock alone.
    func remove(_ record: DurableRecord) throws(NaruError)

    /// What the object holds, in few words for `naru list`: "2 pending". Does not change it; `nil` where there is
    /// nothing to say.
    func detail(of record: DurableRecord) -> String?
}

extension DurableMedium {
    /// Nothing to say.
    public func detail(of record: DurableRecord) -> String? { nil }
}
