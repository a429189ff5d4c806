// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What a semaphore is for.
public enum SemaphoreUse: String, Codable, CaseIterable, Sendable, Hashable, CustomStringConvertible {
    /// Permits: taken and given back by one process. Where the mechanism can, they go back when it dies.
    case permits
    /// A signal: posted by one, taken by another. What was posted stays, whoever dies.
    case signal

    /// The word of messages and sidecars.
    public var description: String { rawValue }
}

/// What all who use a semaphore agree on. Whoever makes it writes it down.
public struct SemaphoreTerms: Sendable, Hashable {
    /// What it is for.
    public var use: SemaphoreUse
    /// How many permits there are, 1 to ``maximumCount``; 0 for a signal.
    public var count: Int

    /// The most permits that every mechanism can have, and the most that can be taken or given at once.
    public static let maximumCount = 32767

    /// Terms.
    public init(use: SemaphoreUse, count: Int) {
        self.use = use
        self.count = count
    }

    /// The terms in a sidecar; `nil` where there are none that make sense.
    public init?(_ record: DurableRecord) {
        guard let use = record.terms["use"].flatMap(SemaphoreUse.init), let text = record.terms["count"],
            let count = Int(text), count >= (use == .permits ? 1 : 0), count <= Self.maximumCount
        else { return nil }
        self.init(use: use, count: count)
    }

    /// As they stand in a sidecar.
    var words: [String: String] { ["use": use.rawValue, "count": "\(count)"] }

    /// "3 permits", "1 permit", "a signal".
    var described: String {
        use == .signal ? "a signal" : "\(count) permit\(count == 1 ? "" : "s")"
    }
}
