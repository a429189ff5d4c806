// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import FoundationEssentials
import NaruCore
import Testing

@Suite struct DecisionTests {
    private func decision(_ request: Requirements = Requirements()) -> Decision {
        Decision.dryRun(request, relation: .assumed(.sameHost), records: StandardRecords.all)
    }

    @Test func `a failure to open moves the link to the next and stays on record`() throws {
        var decision = decision()
        #expect(decision.order == [.sharedMemory, .memoryMap, .unixSocket, .posixQueue, .tcp])
        decision.recordFailure(of: .sharedMemory, reason: "memfd_create: EMFILE", remedy: "raise the limit")
        #expect(decision.order == [.memoryMap, .unixSocket, .posixQueue, .tcp])
        let chosen = try #require(decision.chosen)
        #expect(chosen.rank == 1)
        #expect(chosen.reason.hasPrefix("next after shared-memory, which failed to open: "))
        #expect(decision.candidates[1].reason.hasSuffix("x the chosen one's cost"))
        let failed = try #require(decision.candidates.first { $0.transport == .sharedMemory })
        #expect(
            failed
                == Candidate(
                    transport: .sharedMemory, verdict: .refused, reason: "failed to open: memfd_create: EMFILE",
                    remedy: "raise the limit"))

        decision.recordFailure(of: .tcp, reason: "ECONNREFUSED", remedy: "listen")
        #expect(decision.order == [.memoryMap, .unixSocket, .posixQueue])
        #expect(decision.chosen == chosen)
        decision.recordFailure(of: .tls, reason: "again", remedy: "none")
        decision.recordFailure(of: "carrier-pigeon", reason: "again", remedy: "none")
        #expect(decision.candidates.first { $0.transport == .tls }?.reason.hasPrefix("tls reaches") == true)
        for name in decision.order { decision.recordFailure(of: name, reason: "EACCES", remedy: "chmod") }
        #expect(decision.chosen == nil)
        #expect(decision.candidates.map(\.transport) == StandardRecords.all.map(\.transport).sorted())
    }

    @Test func `candidates have the keys of the command's JSON`() throws {
        let chosen = try #require(decision().candidates.first)
        let refused = try #require(decision().candidates.last)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode([chosen, refused]), as: UTF8.self)
        #expect(
            text == """
                [{"costNanoseconds":416,"rank":1,"reason":"fastest valid of 5: 0.42 µs for 4096 B",\
                "transport":"shared-memory","verdict":"chosen"},\
                {"reason":"tls reaches remote; the ends are same-host",\
                "remedy":"for ends on different hosts only; use a local transport",\
                "transport":"tls","verdict":"refused"}]
                """)
        #expect(try roundTrip(decision()) == decision())
    }

    @Test func `the table reads`() {
        let records = [StandardRecords.unixSocket, StandardRecords.sharedMemory, StandardRecords.tls]
        let decision = Decision.dryRun(
            Requirements(must: [.confidential], wait: .power), relation: .assumed(.sameHost), records: records)
        #expect(
            decision.description == """
                simplex same-host, 4096 B, optimised for latency, wait power, must confidential, costs shipped
                   transport      verdict    cost  reason
                1  shared-memory  chosen   5.1 µs  fastest valid of 2: 5.1 µs for 4096 B
                2  unix-socket    valid    6.7 µs  valid; 1.3x the chosen one's cost
                -  tls            refused       -  tls reaches remote; the ends are same-host
                to lift tls: for ends on different hosts only; use a local transport
                """)
    }

    @Test func `a preference that costs more than twice the speed is told once with numbers`() throws {
        var records = StandardRecords.all(without: .sharedMemory)
        var swift = StandardRecords.sharedMemory
        swift.properties = []
        records.append(swift)
        let request = Requirements(
            transports: [.sharedMemory, .unixSocket],
            prefer: [.confidential, .confirmed, .pollable], wait: .balanced, messageBytes: 4096)
        let loses = Decision.dryRun(request, relation: .assumed(.sameHost), records: records)
        #expect(loses.chosen?.transport == .sharedMemory)
        #expect(loses.notices.isEmpty)

        let quote = CostQuote(source: "shipped", nanoseconds: [.sharedMemory: 1024, .unixSocket: 2048])
        let even = Selector.decide(
            request, relation: .assumed(.sameHost), local: records, remote: records, quote: quote)
        #expect(even.chosen?.transport == .sharedMemory)
        let dear = Selector.decide(
            request, relation: .assumed(.sameHost), local: records, remote: records,
            quote: CostQuote(source: "shipped", nanoseconds: [.sharedMemory: 1024, .unixSocket: 1920]))
        #expect(dear.chosen?.transport == .unixSocket)
        #expect(
            dear.chosen?.reason
                == "preferred of 2 for being confidential, confirmed, pollable: 1.9 µs for 4096 B")
        #expect(dear.notices.isEmpty)

        var more = request
        more.prefer += ["from-the-future", .priority]
        for index in records.indices where records[index].transport == .unixSocket {
            records[index].properties += ["from-the-future", .priority]
        }
        let told = Selector.decide(
            more, relation: .assumed(.sameHost), local: records, remote: records,
            quote: CostQuote(source: "shipped", nanoseconds: [.sharedMemory: 1024, .unixSocket: 3072]))
        #expect(told.chosen?.transport == .unixSocket)
        #expect(
            told.notices == [
                "the preference for confidential, confirmed, from-the-future, pollable, priority cost speed: "
                    + "shared-memory would take 1.0 µs, unix-socket takes 3.1 µs (3.0x)"
            ])
        #expect(told.description.hasSuffix("note: " + told.notices[0]))
    }

    @Test func `a default that removes a much faster transport is told, an explicit wish is not`() throws {
        var small = StandardRecords.sharedMemory
        small.maximumMessageBytes = 1_000_000
        let records = [small, StandardRecords.unixSocket]
        let byDefault = Decision.dryRun(Requirements(wait: .latency), relation: .assumed(.sameHost), records: records)
        #expect(byDefault.chosen?.transport == .unixSocket)
        #expect(
            byDefault.notices == [
                "the default maximumMessageBytes of 67108864 B cost speed: shared-memory would take 0.24 µs, "
                    + "unix-socket takes 4.1 µs (17x)"
            ])
        let explicit = Decision.dryRun(
            Requirements(wait: .latency, maximumMessageBytes: 2_000_000), relation: .assumed(.sameHost),
            records: records)
        #expect(explicit.chosen?.transport == .unixSocket)
        #expect(explicit.notices.isEmpty)
        let denied = Decision.dryRun(
            Requirements(deny: [.sharedMemory], wait: .latency), relation: .assumed(.sameHost), records: records)
        #expect(denied.notices.isEmpty)
        let far = Decision.dryRun(
            Requirements(wait: .latency), relation: .assumed(.remote), records: records + [StandardRecords.tcp])
        #expect(far.chosen?.transport == .tcp)
        #expect(far.notices.isEmpty)
    }

    @Test func `two decisions that differ say how`() throws {
        let here = decision()
        let there = decision(Requirements(deny: [.memoryMap]))
        let text = try #require(here.difference(from: there))
        #expect(text.contains("memory-map at "))
        #expect(here.difference(from: here) == nil)
    }
}
