// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Whether a transport can be used on a host, as its probe found.
///
/// In JSON `{"available":true}` or `{"available":false,"reason":"…","remedy":"…"}`.
public enum Availability: Sendable, Hashable, Codable {
    /// The host permits it.
    case available
    /// The host does not permit it: `reason` is the evidence, `remedy` what would lift it.
    case refused(reason: String, remedy: String)

    private enum Key: String, CodingKey {
        case available, reason, remedy
    }

    /// Reads the form of the handshake; a missing reason or remedy is replaced by a plain sentence.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        if try container.decode(Bool.self, forKey: .available) {
            self = .available
        } else {
            self = .refused(
                reason: try container.decodeIfPresent(String.self, forKey: .reason) ?? "no reason was given",
                remedy: try container.decodeIfPresent(String.self, forKey: .remedy) ?? "run naru doctor on that host")
        }
    }

    /// Writes the form of the handshake.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .available:
            try container.encode(true, forKey: .available)
        case .refused(let reason, let remedy):
            try container.encode(false, forKey: .available)
            try container.encode(reason, forKey: .reason)
            try container.encode(remedy, forKey: .remedy)
        }
    }

    /// Available where both are; otherwise one of the refusals, the same whichever comes first.
    func combined(with other: Availability) -> Availability {
        switch (self, other) {
        case (.available, _): other
        case (_, .available): self
        case (.refused(let reason, let remedy), .refused(let otherReason, let otherRemedy)):
            (reason, remedy) <= (otherReason, otherRemedy) ? self : other
        }
    }
}
