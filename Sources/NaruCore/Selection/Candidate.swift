// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The selector's word on one candidate.
public enum Verdict: String, Codable, CaseIterable, Sendable, Hashable, CustomStringConvertible {
    /// It carries the link.
    case chosen
    /// It could carry the link, at a greater cost.
    case valid
    /// It cannot carry the link.
    case refused

    /// The word of messages.
    public var description: String { rawValue }
}

/// One transport in a decision.
public struct Candidate: Codable, Sendable, Hashable {
    /// The transport.
    public var transport: TransportName
    /// Its place among those that can carry the link, from 1; `nil` where it was refused.
    public var rank: Int?
    /// Whether it carries the link, could, or cannot.
    public var verdict: Verdict
    /// The quantised nanoseconds of a message; `nil` where it was refused.
    public var costNanoseconds: Int?
    /// The evidence.
    public var reason: String
    /// What would lift a refusal; `nil` where there is nothing to lift.
    public var remedy: String?

    /// Makes a candidate.
    public init(
        transport: TransportName, rank: Int? = nil, verdict: Verdict, costNanoseconds: Int? = nil, reason: String,
        remedy: String? = nil
    ) {
        self.transport = transport
        self.rank = rank
        self.verdict = verdict
        self.costNanoseconds = costNanoseconds
        self.reason = reason
        self.remedy = remedy
    }
}
