// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import Testing

/// The selector's answers, worked out by hand from the standard records.
@Suite struct SelectorTableTests {
    private func winner(_ decision: Decision) -> TransportName? { decision.chosen?.transport }

    private func reason(_ decision: Decision, _ name: TransportName) -> String? {
        decision.candidates.first { $0.transport == name }?.reason
    }

    @Test(arguments: [
        (Locality.sameProcess, Direction.simplex, TransportName.inProcess as TransportName?),
        (.sameProcess, .duplex, .inProcess), (.sameProcess, .broadcast, .inProcess), (.sameProcess, .queue, .inProcess),
        (.sameProcess, .signal, .semaphore),
        (.relatedProcess, .simplex, .sharedMemory), (.relatedProcess, .duplex, .sharedMemory),
        (.relatedProcess, .broadcast, .sharedMemory), (.relatedProcess, .queue, .sharedMemory),
        (.relatedProcess, .signal, .semaphore),
        (.sameHost, .simplex, .sharedMemory), (.sameHost, .duplex, .sharedMemory),
        (.sameHost, .broadcast, .sharedMemory), (.sameHost, .queue, .sharedMemory), (.sameHost, .signal, .semaphore),
        (.remote, .simplex, .tcp), (.remote, .duplex, .tcp), (.remote, .broadcast, .tcp), (.remote, .queue, nil),
        (.remote, .signal, nil),
    ])
    func `locality and direction decide`(locality: Locality, direction: Direction, expected: TransportName?) {
        for wait in WaitMode.allCases {
            for optimize in Objective.allCases {
                let request = Requirements(direction: direction, optimize: optimize, wait: wait, receivers: 8)
                let decision = Decision.dryRun(
                    request, relation: .assumed(locality), records: StandardRecords.all)
                #expect(winner(decision) == expected)
                #expect(decision.candidates.count == StandardRecords.all.count)
            }
        }
    }

    @Test(arguments: [
        ([Property.replay], Locality.sameHost, TransportName.memoryMap as TransportName?),
        ([.priority], .sameHost, .posixQueue),
        ([.persistent, .pollable], .sameHost, .posixQueue),
        ([.confidential], .remote, .tls),
        ([.confirmed, .pollable], .sameProcess, .sharedMemory),
        ([.zeroCopy], .remote, nil),
        (["from-the-future"], .sameProcess, nil),
    ])
    func `required properties filter`(must: [Property], locality: Locality, expected: TransportName?) {
        let decision = Decision.dryRun(
            Requirements(must: must), relation: .assumed(locality), records: StandardRecords.all)
        #expect(winner(decision) == expected)
    }

    @Test func `what is used by name only is refused unless it is named`() {
        var record = StandardRecords.semaphore
        record.transport = .posixSemaphore
        record.onlyByName = true
        let records = StandardRecords.all + [record]
        func decide(_ transports: [TransportName]?) -> Decision {
            Decision.dryRun(
                Requirements(transports: transports, direction: .signal), relation: .assumed(.sameHost),
                records: records)
        }
        #expect(winner(decide(nil)) == .semaphore)
        #expect(reason(decide(nil), .posixSemaphore) == "used only where it is asked for by name")
        #expect(winner(decide([.posixSemaphore])) == .posixSemaphore)
        #expect(winner(decide([.posixSemaphore, .semaphore])) == .posixSemaphore)
        #expect(reason(decide([.semaphore]), .posixSemaphore)?.hasPrefix("not among") == true)
    }

    @Test func `every loser of one host says why`() throws {
        let decision = Decision.dryRun(
            Requirements(wait: .latency), relation: .assumed(.sameHost), records: StandardRecords.all)
        let rows = decision.candidates.map { "\($0.transport) \($0.verdict) \($0.rank ?? 0): \($0.reason)" }
        #expect(
            rows == [
                "shared-memory chosen 1: fastest valid of 5: 0.24 µs for 4096 B",
                "memory-map valid 2: valid; 1.6x the chosen one's cost",
                "unix-socket valid 3: valid; 17x the chosen one's cost",
                "posix-queue valid 4: valid; 28x the chosen one's cost",
                "tcp valid 5: valid; 43x the chosen one's cost",
                "in-process refused 0: in-process reaches same-process; the ends are same-host",
                "pipe refused 0: pipe reaches related-process; the ends are same-host",
                "semaphore refused 0: semaphore carries signal, not simplex",
                "tls refused 0: tls reaches remote; the ends are same-host",
            ])
        let remedies = decision.candidates.compactMap(\.remedy)
        #expect(
            remedies == [
                "run both ends in one process", "start one end from the other", "set direction to signal",
                "for ends on different hosts only; use a local transport",
            ])
    }

    @Test func `policy comes first and names the setting to change`() {
        var request = Requirements(deny: [.sharedMemory])
        var decision = Decision.dryRun(request, relation: .assumed(.sameHost), records: StandardRecords.all)
        #expect(winner(decision) == .memoryMap)
        #expect(reason(decision, .sharedMemory) == "denied by the configuration")

        request = Requirements(transports: [.unixSocket])
        decision = Decision.dryRun(request, relation: .assumed(.sameHost), records: StandardRecords.all)
        #expect(winner(decision) == .unixSocket)
        #expect(reason(decision, .unixSocket) == "forced by the configuration: 6.1 µs for 4096 B")
        #expect(reason(decision, .sharedMemory) == "not among the transports permitted (unix-socket)")
        #expect(reason(decision, .semaphore) == "not among the transports permitted (unix-socket)")
    }

    @Test func `names that no build has are refused with the trait or the plugin`() {
        let request = Requirements(transports: [.nats, "carrier-pigeon", "\u{1B}[31m"])
        let decision = Decision.dryRun(request, relation: .assumed(.remote), records: StandardRecords.all)
        #expect(decision.chosen == nil)
        func remedy(_ name: TransportName) -> String? {
            decision.candidates.first { $0.transport == name && $0.reason == "not in this build" }?.remedy
        }
        #expect(remedy(.nats) == "build with the package trait NATS")
        #expect(remedy("carrier-pigeon") == "add the plugin that provides carrier-pigeon, or correct the name")
        #expect(!decision.description.contains("\u{1B}"))
    }

    @Test func `a transport must be on both hosts`() {
        let local = StandardRecords.all(without: .tcp)
        let remote =
            StandardRecords.all(without: .sharedMemory, .memoryMap)
            + [StandardRecords.refused(StandardRecords.memoryMap, "ENOSPC", remedy: "free space")]
        let decision = Selector.decide(Requirements(), relation: .assumed(.sameHost), local: local, remote: remote)
        #expect(winner(decision) == .unixSocket)
        #expect(reason(decision, .sharedMemory) == "the peer's build has no shared-memory")
        #expect(reason(decision, .tcp) == "this build has no tcp; the peer's has")
        #expect(reason(decision, .memoryMap) == "not available on the peer's side: ENOSPC")
        #expect(decision.candidates.first { $0.transport == .memoryMap }?.remedy == "there, free space")

        let swapped = Selector.decide(Requirements(), relation: .assumed(.sameHost), local: remote, remote: local)
        #expect(reason(swapped, .memoryMap) == "not available here: ENOSPC")
        #expect(decision.difference(from: swapped) == nil)
    }

    @Test func `sizes, overflow, users and namespaces refuse with their evidence`() {
        var small = StandardRecords.sharedMemory
        small.maximumMessageBytes = 1_000_000
        let records = StandardRecords.all(without: .sharedMemory) + [small]
        let relation = Relation(locality: .sameHost, sameUser: false, sharedNamespaces: ["net"])
        let decision = Decision.dryRun(
            Requirements(maximumMessageBytes: 2_000_000, overflow: .dropNewest), relation: relation, records: records)
        #expect(winner(decision) == .unixSocket)
        #expect(
            reason(decision, .sharedMemory) == "a message is at most 1000000 B; the link must pass 2000000 B")
        #expect(reason(decision, .memoryMap) == "memory-map has no overflow policy drop-newest")

        let blocking = Decision.dryRun(Requirements(), relation: relation, records: StandardRecords.all)
        #expect(winner(blocking) == .sharedMemory)
        #expect(reason(blocking, .memoryMap) == "both ends must run as one user; they run as two")

        let apart = Relation(locality: .sameHost, sameUser: true, sharedNamespaces: ["net"])
        let foreign = Decision.dryRun(Requirements(), relation: apart, records: StandardRecords.all)
        #expect(reason(foreign, .posixQueue) == "both ends must share the namespaces ipc; they share net")
    }

    @Test func `a large message is fragmented and priced, not refused`() throws {
        let request = Requirements(transports: [.posixQueue], messageBytes: 100_000)
        let decision = Decision.dryRun(request, relation: .assumed(.sameHost), records: StandardRecords.all)
        let chosen = try #require(decision.chosen)
        #expect(chosen.reason == "forced by the configuration: 53 µs for 100000 B; in 13 fragments")
        // 5400 + 600 + 0.4 × 100,000, and 12 further records at 600 each.
        #expect(chosen.costNanoseconds == Cost.quantised(53_200))
    }

    @Test func `broadcast is priced by the copies it takes`() throws {
        let one = Requirements(direction: .broadcast, messageBytes: 65536, receivers: 1)
        var ten = one
        ten.receivers = 10
        func cost(_ request: Requirements, _ name: TransportName) throws -> Int {
            let decision = Decision.dryRun(request, relation: .assumed(.sameHost), records: StandardRecords.all)
            return try #require(decision.candidates.first { $0.transport == name }?.costNanoseconds)
        }
        #expect(try cost(ten, .unixSocket) > 7 * cost(one, .unixSocket))
        #expect(try cost(ten, .sharedMemory) < 6 * cost(one, .sharedMemory))
    }

    @Test func `an unmeasured plugin works and says that its cost is assumed`() throws {
        let stranger = CapabilityRecord(
            transport: "carrier-pigeon", localities: [.remote], directions: [.simplex])
        let alone = Decision.dryRun(Requirements(), relation: .assumed(.remote), records: [stranger])
        #expect(try #require(alone.chosen).reason.hasSuffix("; cost assumed, not measured"))
        let decision = Decision.dryRun(
            Requirements(), relation: .assumed(.remote), records: StandardRecords.all + [stranger])
        #expect(decision.order == [.tcp, .tls, "carrier-pigeon"])
    }
}
