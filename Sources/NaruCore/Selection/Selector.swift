// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Chooses the transport of a link.
///
/// A pure function of both ends' records, the merged request, what the ends are to each other, and the costs: no
/// system call, no clock, no state, and the order of the records is of no effect, so either end can recompute it.
public enum Selector {
    /// Decides from a table of costs.
    ///
    /// - Parameters:
    ///   - request: what both ends ask, as ``Requirements/merge(dialer:listener:)`` returns it.
    ///   - relation: what the ends are to each other.
    ///   - local: the records of this end.
    ///   - remote: the validated records of the peer; the same as `local` for a dry run.
    ///   - costs: the table of the dialer's host.
    ///   - ways: how the ends can come to an agreement; each of them, for a dry run.
    /// - Complexity: O(n log n) in the number of transports.
    public static func decide(
        _ request: Requirements, relation: Relation, local: [CapabilityRecord], remote: [CapabilityRecord],
        costs: CostTable = .shipped, ways: [AgreementKind] = AgreementKind.allCases
    ) -> Decision {
        let pairings = Pairing.all(local: local, remote: remote, named: request.transports ?? [])
        return decide(
            request, relation: relation, pairings: pairings, quote: quote(request, pairings, costs: costs), ways: ways)
    }

    /// The quantised costs of a request, of every transport that either end has: what a proposal carries.
    public static func quote(
        _ request: Requirements, local: [CapabilityRecord], remote: [CapabilityRecord], costs: CostTable
    ) -> CostQuote {
        quote(request, Pairing.all(local: local, remote: remote, named: []), costs: costs)
    }

    /// Decides from costs that were quoted: what a listener does with a proposal.
    public static func decide(
        _ request: Requirements, relation: Relation, local: [CapabilityRecord], remote: [CapabilityRecord],
        quote: CostQuote, ways: [AgreementKind] = AgreementKind.allCases
    ) -> Decision {
        decide(
            request, relation: relation,
            pairings: Pairing.all(local: local, remote: remote, named: request.transports ?? []), quote: quote,
            ways: ways)
    }

    static func quote(_ request: Requirements, _ pairings: [Pairing], costs: CostTable) -> CostQuote {
        var quote = CostQuote(source: costs.source.description, nanoseconds: [:])
        for pairing in pairings {
            guard let record = pairing.effective ?? pairing.local ?? pairing.remote else { continue }
            let name = pairing.transport
            let wait = record.waitModes.contains(request.wait) ? request.wait : record.waitModes.last ?? request.wait
            if costs.entries[name] == nil { quote.unmeasured.append(name) }
            var time = (costs.cost(of: name, wait: wait, objective: request.optimize) ?? .unmeasured)
                .time(size: request.pricedBytes, receivers: request.reachedReceivers)
            // Fragments after the first follow it without another wake-up: each costs what a streamed message does.
            let stream = costs.cost(of: name, wait: wait, objective: .throughput) ?? .unmeasured
            time +=
                Double(fragments(of: request, in: record) - 1)
                * stream.time(size: 0, receivers: request.reachedReceivers)
            quote.nanoseconds[name] = Cost.quantised(time)
        }
        return quote
    }

    static func decide(
        _ request: Requirements, relation: Relation, pairings: [Pairing], quote: CostQuote, ways: [AgreementKind]
    ) -> Decision {
        let filters = Filters(request: request, relation: relation, ways: ways)
        var valid: [Contender] = []
        var removedByDefault: [(contender: Contender, cause: String)] = []
        var refused: [Candidate] = []
        for pairing in pairings {
            let contender = Contender(pairing, request: request, quote: quote)
            let refusals = filters.refusals(of: pairing)
            guard let first = refusals.first else {
                valid.append(contender)
                continue
            }
            refused.append(
                Candidate(
                    transport: pairing.transport, verdict: .refused, reason: first.reason, remedy: first.remedy))
            let causes = refusals.compactMap(\.cause)
            if causes.count == refusals.count {
                removedByDefault.append((contender, causes.joined(separator: " and ")))
            }
        }
        valid.sort()
        return Decision(
            request: request, relation: relation, costSource: quote.source,
            candidates: ranked(valid, request: request) + refused,
            notices: notices(valid: valid, removedByDefault: removedByDefault))
    }

    /// How many records a message of the priced size takes.
    fileprivate static func fragments(of request: Requirements, in record: CapabilityRecord) -> Int {
        guard let limit = record.maximumRecordBytes, limit > 0, request.pricedBytes > limit else { return 1 }
        return (request.pricedBytes - 1) / limit + 1
    }

    /// The valid contenders, best first, as candidates with their reasons.
    private static func ranked(_ valid: [Contender], request: Requirements) -> [Candidate] {
        var candidates = valid.enumerated().map { place, contender in
            Candidate(
                transport: contender.transport, rank: place + 1, verdict: place == 0 ? .chosen : .valid,
                costNanoseconds: contender.nanoseconds, reason: "")
        }
        for place in candidates.indices {
            let words =
                place == 0
                ? "\(merit(of: valid, request: request)): \(Decision.price(candidates[0], for: request))"
                : Decision.comparison(candidates[place], with: candidates[0])
            candidates[place].reason = ([words] + valid[place].notes).joined(separator: "; ")
        }
        return candidates
    }

    /// Why the first of the valid contenders is chosen.
    private static func merit(of valid: [Contender], request: Requirements) -> String {
        let chosen = valid[0]
        if request.transports?.count == 1 { return "forced by the configuration" }
        if valid.count == 1 { return "the only valid one" }
        let fastest = valid.map(\.nanoseconds).min() ?? chosen.nanoseconds
        guard chosen.nanoseconds > fastest else { return "fastest valid of \(valid.count)" }
        return "preferred of \(valid.count) for being \(Wording.list(chosen.preferred))"
    }

    /// A sentence for each faster transport that a wish or a default removed, where it is more than twice as fast.
    private static func notices(
        valid: [Contender], removedByDefault: [(contender: Contender, cause: String)]
    ) -> [String] {
        guard let chosen = valid.first else { return [] }
        func sentence(_ cause: String, _ faster: Contender) -> String {
            "\(cause) cost speed: \(faster.transport) would take \(Wording.time(nanoseconds: faster.nanoseconds)), "
                + "\(chosen.transport) takes \(Wording.time(nanoseconds: chosen.nanoseconds)) "
                + "(\(Wording.ratio(chosen.nanoseconds, to: faster.nanoseconds)))"
        }
        func isMuchFaster(_ other: Contender) -> Bool { other.nanoseconds * 2 < chosen.nanoseconds }
        var result: [String] = []
        if let fastest = valid.min(by: { ($0.nanoseconds, $0.transport) < ($1.nanoseconds, $1.transport) }),
            isMuchFaster(fastest)
        {
            result.append(sentence("the preference for \(Wording.list(chosen.preferred))", fastest))
        }
        result += removedByDefault.filter { isMuchFaster($0.contender) }.map { sentence($0.cause, $0.contender) }
        return result
    }

    /// A transport with its cost and what weighs on it.
    private struct Contender: Comparable {
        let transport: TransportName
        let nanoseconds: Int
        /// The preferred properties it has, sorted.
        let preferred: [Property]
        /// What its reason should mention.
        let notes: [String]
        /// The cost after preferences: a fifth less for each.
        let weighted: Double

        init(_ pairing: Pairing, request: Requirements, quote: CostQuote) {
            let record = pairing.effective
            transport = pairing.transport
            nanoseconds = quote.nanoseconds(of: pairing.transport)
            preferred = Set(request.prefer).intersection(record?.properties ?? []).sorted()
            weighted = preferred.reduce(Double(nanoseconds)) { cost, _ in cost * 0.8 }
            let pieces = record.map { Selector.fragments(of: request, in: $0) } ?? 1
            var notes: [String] = []
            if pieces > 1 { notes.append("in \(pieces) fragments") }
            if quote.unmeasured.contains(pairing.transport) { notes.append("cost assumed, not measured") }
            self.notes = notes
        }

        static func < (left: Contender, right: Contender) -> Bool {
            (left.weighted, left.transport) < (right.weighted, right.transport)
        }

        static func == (left: Contender, right: Contender) -> Bool {
            (left.weighted, left.transport) == (right.weighted, right.transport)
        }
    }
}

extension Decision {
    /// What would be decided between two ends of this host: both have `records`.
    public static func dryRun(
        _ request: Requirements, relation: Relation, records: [CapabilityRecord], costs: CostTable = .shipped
    ) -> Decision {
        Selector.decide(request, relation: relation, local: records, remote: records, costs: costs)
    }
}
