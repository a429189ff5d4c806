// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What happens to messages for a receiver that is too slow.
public enum OverflowPolicy: String, Codable, CaseIterable, Sendable, Hashable, CustomStringConvertible {
    /// The sender waits.
    case block
    /// The oldest message that was not taken is dropped and counted.
    case dropOldest = "drop-oldest"
    /// The new message is dropped and counted.
    case dropNewest = "drop-newest"
    /// The receiver is detached.
    case detach

    /// The word of configuration and messages.
    public var description: String { rawValue }
}
