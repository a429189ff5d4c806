// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The shape of the traffic on a link.
public enum Direction: String, Codable, CaseIterable, Sendable, Hashable, CustomStringConvertible {
    /// One way.
    case simplex
    /// Both ways.
    case duplex
    /// One sender; every receiver gets all messages.
    case broadcast
    /// Many senders, many receivers; each message goes to one receiver.
    case queue
    /// No payload.
    case signal

    /// The word of configuration and messages.
    public var description: String { rawValue }
}
