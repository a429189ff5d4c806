// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Where the two ends of a link are to each other, nearest first.
public enum Locality: String, Codable, CaseIterable, Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Both ends are in one process and use one copy of the library.
    case sameProcess = "same-process"
    /// One end's process started the other's.
    case relatedProcess = "related-process"
    /// The ends share a host and nothing more.
    case sameHost = "same-host"
    /// The ends are on different hosts.
    case remote

    /// The place in the order of nearness, 0 for the nearest.
    private var distance: Int {
        switch self {
        case .sameProcess: 0
        case .relatedProcess: 1
        case .sameHost: 2
        case .remote: 3
        }
    }

    /// Whether `left` is nearer than `right`.
    public static func < (left: Locality, right: Locality) -> Bool {
        left.distance < right.distance
    }

    /// The word of configuration and messages.
    public var description: String { rawValue }
}
