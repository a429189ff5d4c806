// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What both ends of a link settled on.
///
/// The dialer proposes it, the listener checks it; from then on neither changes it. Lanes are lists, so that a link can
/// later hold more than one each way; today each list has at most one.
public struct Agreement: Codable, Hashable, Sendable {
    /// The link.
    public var link: LinkID
    /// The lanes from the dialer to the listener.
    public var forward: [LaneTerms]
    /// The lanes from the listener to the dialer.
    public var backward: [LaneTerms]
    /// The merged request.
    public var requirements: Requirements
    /// Where the two ends are to each other.
    public var relation: Relation

    /// Terms of an agreement.
    public init(
        link: LinkID, forward: [LaneTerms], backward: [LaneTerms], requirements: Requirements, relation: Relation
    ) {
        self.link = link
        self.forward = forward
        self.backward = backward
        self.requirements = requirements
        self.relation = relation
    }

    /// The transport of the link's first lane.
    public var transport: TransportName { forward.first?.transport ?? backward.first?.transport ?? "none" }
}

/// The terms of one lane.
public struct LaneTerms: Codable, Hashable, Sendable {
    /// The mechanism.
    public var transport: TransportName
    /// The codec, or `nil` for none.
    public var codec: String?
    /// The codec's level, where there is a codec.
    public var level: Int?
    /// Whether messages are compressed with the history of those before them. See ``Compression/history``.
    public var history: Bool

    /// Terms of a lane.
    public init(transport: TransportName, codec: String? = nil, level: Int? = nil, history: Bool = false) {
        self.transport = transport
        self.codec = codec
        self.level = level
        self.history = history
    }

    private enum Key: String, CodingKey {
        case transport, codec, level, history
    }

    /// Reads terms: unknown fields are skipped, absent ones take their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            transport: try container.decode(TransportName.self, forKey: .transport),
            codec: try container.decodeIfPresent(String.self, forKey: .codec),
            level: try container.decodeIfPresent(Int.self, forKey: .level),
            history: try container.decodeIfPresent(Bool.self, forKey: .history) ?? false)
    }

    /// Writes what is not a default.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(transport, forKey: .transport)
        try container.encodeIfPresent(codec, forKey: .codec)
        try container.encodeIfPresent(level, forKey: .level)
        if history { try container.encode(true, forKey: .history) }
    }
}

/// Which end of a connection one is.
public enum Role: String, Codable, Sendable {
    /// The end that connected and proposes.
    case dialer
    /// The end that was connected to and checks.
    case listener
}
