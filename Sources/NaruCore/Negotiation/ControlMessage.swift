// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What the two ends say while they negotiate. Travels as JSON, with the message's name under `type`, or for `propose`
/// and `ready` in a frame of its own; unknown fields are ignored.
enum ControlMessage: Hashable, Sendable {
    /// The first message each way.
    case hello(Hello)
    /// The dialer proposes a candidate.
    case propose(Proposal)
    /// This end's opening is done.
    case ready(LinkID)
    /// The candidate of this link will not do.
    case reject(Rejection)
    /// No link will come of this connection.
    case refuse(HandshakeRefusal)
}

/// The first message each way.
struct Hello: Codable, Hashable, Sendable {
    /// The oldest and the newest version of the protocol this end speaks.
    var versions: ClosedVersionRange
    /// Features without which this end will not talk; an unknown one refuses.
    var requires: [String]
    /// The link asked for or offered.
    var name: String
    /// Who this end says it is.
    var process: ProcessClaim
    /// What this end's mechanisms can do.
    var records: [CapabilityRecord]
    /// The codecs this end has.
    var codecs: [String]
    /// What this end asks of the link.
    var requirements: Requirements
    /// What this end wants of compression.
    var compression: Compression
    /// Which way the dialer wants messages to flow, as the end sees it: whether this end sends, and receives.
    var sends: Bool
    /// Whether this end receives.
    var receives: Bool
    /// What each of the codecs can do beyond compressing each message by itself; a peer of an older release says
    /// nothing.
    var codecFeatures: [String: [String]]?

    /// Whether this end's codec has a feature.
    func codec(_ codec: String, has feature: String) -> Bool {
        codecs.contains(codec) && codecFeatures?[codec]?.contains(feature) == true
    }

    enum CodingKeys: String, CodingKey {
        case versions, requires, name, process, records, codecs, requirements, compression, sends, receives
        case codecFeatures
    }
}

/// A range of protocol versions.
struct ClosedVersionRange: Codable, Hashable, Sendable {
    var oldest: Int
    var newest: Int

    /// The one version this build speaks.
    static let current = ClosedVersionRange(oldest: 1, newest: 1)

    /// The highest version both speak.
    func highestCommon(_ other: ClosedVersionRange) -> Int? {
        let version = Swift.min(newest, other.newest)
        return version >= Swift.max(oldest, other.oldest) ? version : nil
    }
}

/// A candidate the dialer proposes, with the costs it ranked by, so that the listener can recompute the ranking.
struct Proposal: Codable, Hashable, Sendable {
    var agreement: Agreement
    var quote: CostQuote
}

/// Why a candidate will not do.
struct Rejection: Codable, Hashable, Sendable {
    var link: LinkID
    var reason: String
    var remedy: String?
}

/// Why no link will come of a connection.
struct HandshakeRefusal: Codable, Hashable, Sendable {
    var code: Code
    var reason: String
    var remedy: String?

    /// The kinds of refusal that the other end must be able to tell apart.
    enum Code: String, Codable, Sendable {
        case busy, version, requirement, requirements, noTransport, user, protocolViolation, closed
    }
}

extension ControlMessage: Codable {
    private enum CodingKeys: String, CodingKey {
        case type, hello, reject, refuse
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let type = try container.decode(String.self, forKey: .type)
        switch type {
        case "hello": self = .hello(try container.decode(Hello.self, forKey: .hello))
        case "reject": self = .reject(try container.decode(Rejection.self, forKey: .reject))
        case "refuse": self = .refuse(try container.decode(HandshakeRefusal.self, forKey: .refuse))
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .type, in: container, debugDescription: "unknown message type")
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .hello(let hello):
            try container.encode("hello", forKey: .type)
            try container.encode(hello, forKey: .hello)
        case .propose, .ready:
            throw EncodingError.invalidValue(
                self, EncodingError.Context(codingPath: [], debugDescription: "it has a frame of its own"))
        case .reject(let rejection):
            try container.encode("reject", forKey: .type)
            try container.encode(rejection, forKey: .reject)
        case .refuse(let refusal):
            try container.encode("refuse", forKey: .type)
            try container.encode(refusal, forKey: .refuse)
        }
    }
}
