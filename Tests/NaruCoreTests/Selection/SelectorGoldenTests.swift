// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

/// The golden table `Tests/Golden/selection.txt`: for localities, directions, requirements and what hosts have, the
/// winner and the reason of every loser. A change of it is a change of what users are told: read it, then copy.
@Suite struct SelectorGoldenTests {
    private struct Case {
        var title: String
        var request: Requirements
        var relation: Relation
        var local = StandardRecords.all
        var remote = StandardRecords.all
    }

    private static var cases: [Case] {
        let localities: [Locality] = [.sameProcess, .relatedProcess, .sameHost, .remote]
        var cases: [Case] = []
        for locality in localities {
            for direction in Direction.allCases {
                cases.append(
                    Case(
                        title: "\(locality), \(direction)",
                        request: Requirements(direction: direction, receivers: direction == .broadcast ? 8 : 1),
                        relation: .assumed(locality)))
            }
        }
        func add(_ title: String, _ request: Requirements, _ locality: Locality = .sameHost) {
            cases.append(Case(title: "\(locality), \(title)", request: request, relation: .assumed(locality)))
        }
        let properties: [Property] = [
            .confidential, .confirmed, .persistent, .pollable, .priority, .replay, .zeroCopy,
        ]
        for property in properties { add("must \(property)", Requirements(must: [property])) }
        for property in [Property.confidential, .confirmed] {
            add("must \(property)", Requirements(must: [property]), .remote)
        }
        add("must two of which one is unknown", Requirements(must: [.confirmed, "from-the-future"]))
        for property in properties { add("prefer \(property)", Requirements(prefer: [property])) }
        for policy in OverflowPolicy.allCases {
            add("overflow \(policy)", Requirements(direction: .broadcast, receivers: 2, overflow: policy))
        }
        add("large messages", Requirements(messageBytes: 1 << 20))
        add("small messages", Requirements(messageBytes: 8))
        add("throughput", Requirements(optimize: .throughput))
        add("only unix-socket and pipe", Requirements(transports: [.unixSocket, .pipe]))
        add("denied shared-memory", Requirements(deny: [.sharedMemory]))
        add("denied everything", Requirements(deny: StandardRecords.all.map(\.transport)))
        add("a transport that nobody has", Requirements(transports: [.nats, "carrier-pigeon"]))

        var other = Case(title: "same-host, other user", request: Requirements(), relation: .assumed(.sameHost))
        other.relation.sameUser = false
        cases.append(other)
        var apart = Case(
            title: "same-host, no namespace shared", request: Requirements(), relation: .assumed(.sameHost))
        apart.relation.sharedNamespaces = []
        cases.append(apart)
        var poor = Case(
            title: "same-host, refused here and there", request: Requirements(), relation: .assumed(.sameHost))
        poor.local =
            StandardRecords.all(without: .sharedMemory, .tcp)
            + [StandardRecords.refused(StandardRecords.sharedMemory, "no room in /dev/shm", remedy: "make room")]
        poor.remote =
            StandardRecords.all(without: .unixSocket, .memoryMap)
            + [StandardRecords.refused(StandardRecords.memoryMap, "a network file system", remedy: "use a local one")]
        cases.append(poor)
        var small = Case(
            title: "same-host, limits on messages", request: Requirements(maximumMessageBytes: 100_000),
            relation: .assumed(.sameHost))
        small.local = StandardRecords.all.map { record in
            var record = record
            if record.transport == .sharedMemory { record.maximumMessageBytes = 99_999 }
            if record.transport == .memoryMap { record.maximumMessageBytes = 100_000 }
            return record
        }
        cases.append(small)
        return cases
    }

    /// Costs of round numbers, so that a new measurement changes nothing here.
    private static let costs: CostTable = {
        var table = CostTable(source: .shipped)
        let bases: [(TransportName, Double)] = [
            (.inProcess, 100), (.sharedMemory, 200), (.memoryMap, 400), (.semaphore, 1000), (.unixSocket, 2000),
            (.pipe, 2200), (.posixQueue, 2400), (.tcp, 8000), (.tls, 12000),
        ]
        for (transport, base) in bases {
            for mode in WaitMode.allCases {
                for objective in Objective.allCases {
                    table[transport, mode, objective] = Cost(
                        base: base, perByte: 0.1, perReceiver: base / 10, perReceiverByte: 0)
                }
            }
        }
        return table
    }()

    private static func decide(_ each: Case) -> Decision {
        Selector.decide(
            each.request, relation: each.relation, local: each.local, remote: each.remote, costs: costs)
    }

    private static func rows(_ each: Case) -> [String] {
        let decision = decide(each)
        let winner = decision.chosen?.transport.rawValue ?? "nobody"
        return ["\(each.title): \(winner)"]
            + decision.candidates.map { candidate in
                let rank = candidate.rank.map { "\($0)" } ?? "-"
                let remedy = candidate.remedy.map { " | \($0)" } ?? ""
                return "    \(rank) \(candidate.transport): \(candidate.reason)\(remedy)"
            }
    }

    @Test func `the table is as it was agreed`() throws {
        let root = "\(#filePath)".split(separator: "/").dropLast(3).map(String.init).joined(separator: "/")
        let bytes = try FileSystem.readSmallFile("/\(root)/Golden/selection.txt", limit: 1 << 20)
        let agreed = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        let found = Self.cases.flatMap(Self.rows)
        if let place = zip(agreed, found).enumerated().first(where: { $1.0 != $1.1 }) {
            let path = "/tmp/naru-selection-\(HostInformation.userID).txt"
            let file = try FileSystem.open(path, [.write, .create, .truncate, .noFollow], permissions: 0o600)
            let text = Array((found.joined(separator: "\n") + "\n").utf8)
            _ = unsafe try text.withUnsafeBytes { unsafe try file.write($0) }
            Issue.record("line \(place.offset + 1) is \(place.element.1), was \(place.element.0); all is in \(path)")
        }
        #expect(agreed.count == found.count)
    }

    @Test func `every loser has a reason, and what is refused a remedy`() {
        for each in Self.cases {
            let decision = Self.decide(each)
            #expect(decision.candidates.count >= StandardRecords.all.count)
            for candidate in decision.candidates {
                #expect(!candidate.reason.isEmpty)
                if candidate.verdict == .refused {
                    #expect(candidate.remedy?.isEmpty == false, "\(each.title): \(candidate)")
                    #expect(candidate.rank == nil)
                }
            }
            #expect(decision.candidates.count { $0.verdict == .chosen } <= 1)
        }
    }
}
