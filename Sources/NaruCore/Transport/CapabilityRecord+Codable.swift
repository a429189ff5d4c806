// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

extension CapabilityRecord: Codable {
    private enum Key: String, CodingKey {
        case version, transport, localities, directions, properties, agreements, maximumRecordBytes
        case maximumMessageBytes, loans, survivesSenderDeath, sealed, waitModes, overflow, requiresSameUser
        case sharedNamespaces, releasesOnDeath, onlyByName, availability
    }

    /// Reads a record leniently: unknown fields and list elements are skipped, absent fields other than `transport`,
    /// `localities` and `directions` take their defaults. The values are not judged: see ``validated()``.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            version: try container.decodeIfPresent(Int.self, forKey: .version) ?? 1,
            transport: try container.decode(TransportName.self, forKey: .transport),
            localities: try container.decodeKnown(Locality.self, forKey: .localities),
            directions: try container.decodeKnown(Direction.self, forKey: .directions),
            properties: try container.decodeIfPresent([Property].self, forKey: .properties) ?? [],
            agreements: try container.decodeKnownIfPresent(AgreementKind.self, forKey: .agreements) ?? [.negotiated],
            maximumRecordBytes: try container.decodeIfPresent(Int.self, forKey: .maximumRecordBytes),
            maximumMessageBytes: try container.decodeIfPresent(Int.self, forKey: .maximumMessageBytes),
            loans: try container.decodeIfPresent(String.self, forKey: .loans).flatMap(LoanKind.init) ?? .copied,
            survivesSenderDeath: try container.decodeIfPresent(Bool.self, forKey: .survivesSenderDeath) ?? false,
            sealed: try container.decodeIfPresent(Bool.self, forKey: .sealed) ?? false,
            waitModes: try container.decodeKnownIfPresent(WaitMode.self, forKey: .waitModes) ?? WaitMode.allCases,
            overflow: try container.decodeKnownIfPresent(OverflowPolicy.self, forKey: .overflow) ?? [.block],
            requiresSameUser: try container.decodeIfPresent(Bool.self, forKey: .requiresSameUser) ?? false,
            sharedNamespaces: try container.decodeIfPresent([String].self, forKey: .sharedNamespaces) ?? [],
            releasesOnDeath: try container.decodeIfPresent(Bool.self, forKey: .releasesOnDeath),
            onlyByName: try container.decodeIfPresent(Bool.self, forKey: .onlyByName) ?? false,
            availability: try container.decodeIfPresent(Availability.self, forKey: .availability) ?? .available)
    }

    /// Writes every field; limits that are `nil` and what is said of few mechanisms are left out.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(version, forKey: .version)
        try container.encode(transport, forKey: .transport)
        try container.encode(localities, forKey: .localities)
        try container.encode(directions, forKey: .directions)
        try container.encode(properties, forKey: .properties)
        try container.encode(agreements, forKey: .agreements)
        try container.encodeIfPresent(maximumRecordBytes, forKey: .maximumRecordBytes)
        try container.encodeIfPresent(maximumMessageBytes, forKey: .maximumMessageBytes)
        try container.encode(loans, forKey: .loans)
        try container.encode(survivesSenderDeath, forKey: .survivesSenderDeath)
        try container.encode(sealed, forKey: .sealed)
        try container.encode(waitModes, forKey: .waitModes)
        try container.encode(overflow, forKey: .overflow)
        try container.encode(requiresSameUser, forKey: .requiresSameUser)
        try container.encode(sharedNamespaces, forKey: .sharedNamespaces)
        try container.encodeIfPresent(releasesOnDeath, forKey: .releasesOnDeath)
        if onlyByName { try container.encode(true, forKey: .onlyByName) }
        try container.encode(availability, forKey: .availability)
    }
}

extension CapabilityRecord {
    /// Returns the record when every value is within bounds: the check to make on a peer's record before using it.
    ///
    /// - Throws: ``RecordProblem`` naming the first field that is out of bounds.
    public func validated() throws(RecordProblem) -> CapabilityRecord {
        try Bounds.check(version >= 1, "version", "must be at least 1 (is \(version))")
        try Bounds.name(transport.rawValue, "transport")
        try Bounds.names(properties.map(\.rawValue), "properties")
        try Bounds.names(sharedNamespaces, "sharedNamespaces")
        try Bounds.count(localities.count, "localities")
        try Bounds.count(directions.count, "directions")
        try Bounds.count(agreements.count, "agreements")
        try Bounds.count(waitModes.count, "waitModes")
        try Bounds.count(overflow.count, "overflow")
        if let maximumRecordBytes { try Bounds.size(maximumRecordBytes, "maximumRecordBytes") }
        if let maximumMessageBytes { try Bounds.size(maximumMessageBytes, "maximumMessageBytes") }
        if case .refused(let reason, let remedy) = availability {
            try Bounds.text(reason, "availability.reason")
            try Bounds.text(remedy, "availability.remedy")
        }
        return self
    }
}
