// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// How an end waits for the other.
public enum WaitMode: String, Codable, CaseIterable, Sendable, Hashable, CodingKeyRepresentable,
    CustomStringConvertible
{
    /// Spins: the fastest, and uses a core while it waits.
    case latency
    /// Spins for a learned while, then sleeps.
    case balanced
    /// Sleeps: an idle link costs no CPU.
    case power

    /// The word of configuration and messages.
    public var description: String { rawValue }
}
