// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Something that a transport promises and that a request can require or prefer.
///
/// A newer peer may know more of them than this build, so this is a string: an unknown property is kept, and
/// requiring it refuses every transport that does not list it.
public struct Property: RawRepresentable, Hashable, Codable, Sendable {
    /// The word as it stands in configuration, messages and the handshake.
    public var rawValue: String

    /// Takes any string; see ``isWellFormed``.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// Takes any string; see ``isWellFormed``.
    public init(_ name: String) {
        self.rawValue = name
    }

    /// Whether the word is made of 1 to 64 of the characters `a-z`, `0-9` and `-`.
    public var isWellFormed: Bool {
        NameRule.accepts(rawValue)
    }

    /// Messages outlive both processes.
    public static let persistent = Property("persistent")
    /// Messages carry a priority that the lane honours.
    public static let priority = Property("priority")
    /// A receiver can take messages by their type, out of order.
    public static let selective = Property("selective")
    /// A receiver can start from an earlier position.
    public static let replay = Property("replay")
    /// Nobody but the two users can read the messages.
    public static let confidential = Property("confidential")
    /// `finish` can report what the receiver has taken.
    public static let confirmed = Property("confirmed")
    /// A receiver has a descriptor that becomes readable.
    public static let pollable = Property("pollable")
    /// Messages are written and read in place.
    public static let zeroCopy = Property("zero-copy")
    /// What a process holds goes back when the process dies.
    public static let releasesOnDeath = Property("releases-on-death")

    /// Every property this build knows, in the order of the documentation.
    public static let known: [Property] = [
        .persistent, .priority, .selective, .replay, .confidential, .confirmed, .pollable, .zeroCopy, .releasesOnDeath,
    ]
}

extension Property: Comparable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// Orders properties by their Unicode scalars, the same on every host.
    public static func < (left: Property, right: Property) -> Bool {
        left.rawValue.unicodeScalars.lexicographicallyPrecedes(right.rawValue.unicodeScalars)
    }

    /// The bare word.
    public var description: String { rawValue }

    /// Takes any literal; see ``isWellFormed``.
    public init(stringLiteral value: String) {
        self.rawValue = value
    }
}
