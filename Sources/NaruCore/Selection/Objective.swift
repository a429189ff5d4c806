// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What a link is optimised for.
public enum Objective: String, Codable, CaseIterable, Sendable, Hashable, CodingKeyRepresentable,
    CustomStringConvertible
{
    /// The time of one message from the sender to the receiver.
    case latency
    /// The time each message takes in a stream of them.
    case throughput

    /// The word of configuration and messages.
    public var description: String { rawValue }
}
