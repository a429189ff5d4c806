// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// How two ends come to an agreement over a transport.
public enum AgreementKind: String, Codable, CaseIterable, Sendable, Hashable {
    /// Over a control connection, with a live peer and a proof.
    case negotiated
    /// The medium itself holds the agreement; an end validates it or refuses.
    case attached
}

/// How a lane serves a loan.
public enum LoanKind: String, Codable, CaseIterable, Sendable, Hashable {
    /// The memory lent is the place the receiver reads.
    case inPlace = "in-place"
    /// The memory lent is private and copied at the commit.
    case copied
}

/// What a transport can do on a host, and its limits there: versioned data that crosses the handshake.
///
/// A record from a peer is decoded leniently (unknown fields and unknown list elements are skipped, absent optional
/// fields take their defaults) and must pass ``validated()`` before it is used.
public struct CapabilityRecord: Sendable, Hashable {
    /// The version of the record's meaning, from 1.
    public var version: Int
    /// The transport that is described.
    public var transport: TransportName
    /// Each locality it is valid for.
    public var localities: [Locality]
    /// Each direction it can carry.
    public var directions: [Direction]
    /// What it promises.
    public var properties: [Property]
    /// The ways to an agreement it has.
    public var agreements: [AgreementKind]
    /// The largest record of its medium in bytes; a larger message travels in fragments. `nil`: no such limit.
    public var maximumRecordBytes: Int?
    /// The largest message in bytes, fragments included. `nil`: only the link's own limit.
    public var maximumMessageBytes: Int?
    /// How loans are served.
    public var loans: LoanKind
    /// Whether what was handed over survives the death of the sender.
    public var survivesSenderDeath: Bool
    /// Whether the medium is sealed against a change by the other end.
    public var sealed: Bool
    /// The wait modes it honours.
    public var waitModes: [WaitMode]
    /// The policies for slow receivers it honours.
    public var overflow: [OverflowPolicy]
    /// Whether both ends must run as one user.
    public var requiresSameUser: Bool
    /// The kinds of namespace both ends must share (`net`, `ipc`, `mnt`); empty where descriptors are passed.
    public var sharedNamespaces: [String]
    /// Whether what a process holds goes back when the process dies; `nil` for what carries messages, of which nobody
    /// holds anything.
    public var releasesOnDeath: Bool?
    /// Whether it is used only where a request names it.
    public var onlyByName: Bool
    /// Whether the host permits it.
    public var availability: Availability

    /// Makes a record; see the properties for the meaning of each default.
    public init(
        version: Int = 1, transport: TransportName, localities: [Locality], directions: [Direction],
        properties: [Property] = [], agreements: [AgreementKind] = [.negotiated], maximumRecordBytes: Int? = nil,
        maximumMessageBytes: Int? = nil, loans: LoanKind = .copied, survivesSenderDeath: Bool = false,
        sealed: Bool = false, waitModes: [WaitMode] = WaitMode.allCases, overflow: [OverflowPolicy] = [.block],
        requiresSameUser: Bool = false, sharedNamespaces: [String] = [], releasesOnDeath: Bool? = nil,
        onlyByName: Bool = false, availability: Availability = .available
    ) {
        self.version = version
        self.transport = transport
        self.localities = localities
        self.directions = directions
        self.properties = properties
        self.agreements = agreements
        self.maximumRecordBytes = maximumRecordBytes
        self.maximumMessageBytes = maximumMessageBytes
        self.loans = loans
        self.survivesSenderDeath = survivesSenderDeath
        self.sealed = sealed
        self.waitModes = waitModes
        self.overflow = overflow
        self.requiresSameUser = requiresSameUser
        self.sharedNamespaces = sharedNamespaces
        self.releasesOnDeath = releasesOnDeath
        self.onlyByName = onlyByName
        self.availability = availability
    }

    /// What two ends can do together: lists are intersected, sizes take the minimum, promises hold where both
    /// hold them, demands where either makes them. Commutative, and deterministic in the order of the lists.
    ///
    /// - Precondition: both records describe one transport.
    public func combined(with other: CapabilityRecord) -> CapabilityRecord {
        precondition(transport == other.transport, "\(transport) and \(other.transport) are two transports")
        return CapabilityRecord(
            version: min(version, other.version),
            transport: transport,
            localities: Locality.allCases.filter { localities.contains($0) && other.localities.contains($0) },
            directions: Direction.allCases.filter { directions.contains($0) && other.directions.contains($0) },
            properties: Set(properties).intersection(other.properties).sorted(),
            agreements: AgreementKind.allCases.filter { agreements.contains($0) && other.agreements.contains($0) },
            maximumRecordBytes: Self.minimum(maximumRecordBytes, other.maximumRecordBytes),
            maximumMessageBytes: Self.minimum(maximumMessageBytes, other.maximumMessageBytes),
            loans: loans == .inPlace && other.loans == .inPlace ? .inPlace : .copied,
            survivesSenderDeath: survivesSenderDeath && other.survivesSenderDeath,
            sealed: sealed && other.sealed,
            waitModes: WaitMode.allCases.filter { waitModes.contains($0) && other.waitModes.contains($0) },
            overflow: OverflowPolicy.allCases.filter { overflow.contains($0) && other.overflow.contains($0) },
            requiresSameUser: requiresSameUser || other.requiresSameUser,
            sharedNamespaces: Set(sharedNamespaces).union(other.sharedNamespaces).sorted(),
            releasesOnDeath: releasesOnDeath.flatMap { mine in other.releasesOnDeath.map { mine && $0 } },
            onlyByName: onlyByName || other.onlyByName,
            availability: availability.combined(with: other.availability))
    }

    /// The smaller of two limits, where `nil` is no limit.
    private static func minimum(_ left: Int?, _ right: Int?) -> Int? {
        guard let left, let right else { return left ?? right }
        return min(left, right)
    }
}
