// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import Testing

/// What holds for every pair of ends and every request, tried on seeded random ones.
@Suite struct SelectorPropertyTests {
    /// Slices that run side by side. They add up to 100,000 pairs in a release build, and to 5,000 in a debug build,
    /// which takes ten times as long for each.
    private static let slices: [UInt64] = Array(1...20)
    #if DEBUG
        private static let pairsInSlice = 250
    #else
        private static let pairsInSlice = 5000
    #endif

    @Test(arguments: slices) func `both ends agree, through JSON, at any order and version`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pool = random.pool()
        let tables = [CostTable.shipped, random.costs(), random.costs(), random.costs()]
        var pairs = 0
        var links = 0
        while pairs < Self.pairsInSlice {
            var asked = random.request()
            let other = random.request()
            asked.direction = other.direction
            guard let request = try? Requirements.merge(dialer: asked, listener: other) else { continue }
            pairs += 1
            let (dialer, listener) = random.pair(from: pool)
            let relation = random.relation()
            let table = random.one(of: tables)
            let quote = Selector.quote(request, local: dialer, remote: listener, costs: table)
            let decision = Selector.decide(request, relation: relation, local: dialer, remote: listener, quote: quote)

            // Some pairs go through JSON, as the handshake sends it, and are decided once more from the table.
            let onWire = pairs % 25 == 0
            let answer = Selector.decide(
                onWire ? try roundTrip(request).validated() : request,
                relation: onWire ? try roundTrip(relation) : relation,
                local: listener.shuffled(using: &random),
                remote: (onWire ? try roundTrip(dialer).map { try $0.validated() } : dialer).shuffled(using: &random),
                quote: onWire ? try roundTrip(quote).validated() : quote)
            if let difference = decision.difference(from: answer) {
                Issue.record("seed \(seed), pair \(pairs): \(difference)")
            }
            if onWire {
                let again = Selector.decide(
                    request, relation: relation, local: dialer.shuffled(using: &random),
                    remote: listener.shuffled(using: &random), costs: table)
                #expect(decision == again)
                #expect(try roundTrip(decision) == decision)
                #expect(decision.chosen == answer.chosen)
            }
            if decision.chosen != nil { links += 1 }
        }
        // The pairs must be of use: many find a transport.
        #expect(links > Self.pairsInSlice / 10)
    }

    @Test(arguments: Array(UInt64(101)...104)) func `prefer removes nothing and must adds nothing`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let pool = random.pool()
        for _ in 0..<100 {
            let (dialer, listener) = random.pair(from: pool)
            let relation = random.relation()
            let request = random.request()
            func valid(_ request: Requirements) -> Set<TransportName> {
                Set(Selector.decide(request, relation: relation, local: dialer, remote: listener).order)
            }
            let before = valid(request)
            var preferring = request
            preferring.prefer = random.some(of: Property.known, chance: 1, in: 2)
            #expect(valid(preferring) == before)
            for property in Property.known {
                var requiring = request
                requiring.must.append(property)
                #expect(valid(requiring).isSubset(of: before))
            }
            for name in TransportName.known {
                var denying = request
                denying.deny.append(name)
                #expect(valid(denying) == before.subtracting([name]))
            }
        }
    }

    @Test(arguments: Array(UInt64(201)...204)) func `a decision is well formed`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let pool = random.pool()
        let table = random.costs()
        for _ in 0..<250 {
            let (dialer, listener) = random.pair(from: pool)
            let request = random.request()
            let decision = Selector.decide(
                request, relation: random.relation(), local: dialer, remote: listener, costs: table)
            let names = decision.candidates.map(\.transport)
            #expect(Set(names).count == names.count)
            #expect(
                Set(names) == Set((dialer + listener).map(\.transport)).union(request.transports ?? []))
            let valid = decision.candidates.prefix { $0.verdict != .refused }
            #expect(valid.map(\.rank) == (1...).prefix(valid.count).map { $0 })
            #expect(valid.filter { $0.verdict == .chosen }.count == (valid.isEmpty ? 0 : 1))
            for candidate in decision.candidates.dropFirst(valid.count) {
                #expect(candidate.verdict == .refused)
                #expect(candidate.rank == nil && candidate.costNanoseconds == nil)
                #expect(!candidate.reason.isEmpty && candidate.remedy?.isEmpty == false)
            }
            let refused = Array(names.dropFirst(valid.count))
            #expect(refused == refused.sorted())
        }
    }

    @Test func `records of one transport given twice count as what they have in common`() {
        var narrow = StandardRecords.sharedMemory
        narrow.directions = [.simplex]
        let both = [narrow, StandardRecords.sharedMemory]
        for records in [both, both.reversed()] {
            let decision = Decision.dryRun(
                Requirements(direction: .duplex), relation: .assumed(.sameHost), records: records)
            #expect(decision.chosen == nil)
            #expect(decision.candidates.count == 1)
        }
    }
}
