// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The selector's answer: every candidate, with its cost or the reason it was refused.
public struct Decision: Codable, Sendable, Hashable {
    /// The request that was decided.
    public var request: Requirements
    /// What the ends were to each other.
    public var relation: Relation
    /// Where the costs came from.
    public var costSource: String
    /// All candidates: the chosen, the valid by rank, the refused by name.
    public var candidates: [Candidate]
    /// What the user should be told once: a wish or a default that costs more than a factor of two.
    public var notices: [String]

    /// Makes a decision of parts; ``Selector`` is the way to one.
    public init(
        request: Requirements, relation: Relation, costSource: String, candidates: [Candidate], notices: [String] = []
    ) {
        self.request = request
        self.relation = relation
        self.costSource = costSource
        self.candidates = candidates
        self.notices = notices
    }

    /// The candidate that carries the link; `nil` where all were refused.
    public var chosen: Candidate? {
        candidates.first { $0.verdict == .chosen }
    }

    /// The transports that can carry the link, best first: the order in which they are tried.
    public var order: [TransportName] {
        candidates.filter { $0.verdict != .refused }.map(\.transport)
    }

    /// Records that a transport failed to open: it is refused with `reason`, and where it was the chosen one the next
    /// valid one is chosen. A transport that is not a candidate, or was refused, is left as it is.
    public mutating func recordFailure(of transport: TransportName, reason: String, remedy: String) {
        guard let index = candidates.firstIndex(where: { $0.transport == transport && $0.verdict != .refused }) else {
            return
        }
        let wasChosen = candidates[index].verdict == .chosen
        let failed = Candidate(
            transport: transport, verdict: .refused, reason: "failed to open: \(reason)", remedy: remedy)
        candidates.remove(at: index)
        var left = candidates.filter { $0.verdict != .refused }
        for place in left.indices {
            left[place].rank = place + 1
            guard wasChosen else { continue }
            if place == 0 {
                left[0].verdict = .chosen
                left[0].reason = "next after \(transport), which failed to open: " + Self.price(left[0], for: request)
            } else {
                left[place].reason = Self.comparison(left[place], with: left[0])
            }
        }
        let refused = candidates.filter { $0.verdict == .refused } + [failed]
        candidates = left + refused.sorted { $0.transport < $1.transport }
    }

    /// What differs in the other end's decision on the same request, for a log; `nil` where both rank the same
    /// transports in the same order at the same costs.
    public func difference(from other: Decision) -> String? {
        let mine = ranking
        let theirs = other.ranking
        return mine == theirs ? nil : "this end ranks \(Wording.list(mine)); the other \(Wording.list(theirs))"
    }

    /// "shared-memory 112 ns" for each candidate that was not refused.
    private var ranking: [String] {
        candidates.filter { $0.verdict != .refused }.map { candidate in
            "\(candidate.transport) at \(candidate.costNanoseconds.map(String.init) ?? "no") ns"
        }
    }

    /// "0.11 µs for 4096 B", "3.2 µs for a signal".
    static func price(_ candidate: Candidate, for request: Requirements) -> String {
        let time = Wording.time(nanoseconds: candidate.costNanoseconds ?? 0)
        guard request.direction != .signal else { return "\(time) for a signal" }
        let receivers = request.reachedReceivers
        return "\(time) for \(Wording.size(request.pricedBytes))" + (receivers > 1 ? " to \(receivers) receivers" : "")
    }

    /// "valid; 3.4x the chosen one's cost".
    static func comparison(_ candidate: Candidate, with chosen: Candidate) -> String {
        let ratio = Wording.ratio(candidate.costNanoseconds ?? 0, to: chosen.costNanoseconds ?? 0)
        return "valid; \(ratio) the chosen one's cost"
    }
}
