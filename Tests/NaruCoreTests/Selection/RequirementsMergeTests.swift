// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import Testing

@Suite struct RequirementsMergeTests {
    @Test func `lists are united or intersected, sizes take the minimum, the dialer sets the objective`() throws {
        let dialer = Requirements(
            transports: [.tcp, .unixSocket, .sharedMemory], deny: [.tls], must: [.confirmed],
            prefer: [.replay, .pollable], optimize: .throughput, wait: .power, messageBytes: 100,
            maximumMessageBytes: 5000, receivers: 2)
        let listener = Requirements(
            transports: [.sharedMemory, .tcp], deny: [.nats, .tls], must: [.pollable, .confirmed],
            prefer: [.zeroCopy, .replay], optimize: .latency, wait: .latency, messageBytes: 9,
            maximumMessageBytes: 4000, receivers: 3, overflow: .detach)
        let merged = try Requirements.merge(dialer: dialer, listener: listener)
        #expect(
            merged
                == Requirements(
                    transports: [.tcp, .sharedMemory], deny: [.tls, .nats], must: [.confirmed, .pollable],
                    prefer: [.replay, .pollable, .zeroCopy], optimize: .throughput, wait: .power, messageBytes: 100,
                    maximumMessageBytes: 4000, receivers: 3, overflow: .detach))
    }

    @Test func `no allow-list permits all`() throws {
        let open = Requirements()
        let closed = Requirements(transports: [.tcp])
        #expect(try Requirements.merge(dialer: open, listener: open).transports == nil)
        #expect(try Requirements.merge(dialer: open, listener: closed).transports == [.tcp])
        #expect(try Requirements.merge(dialer: closed, listener: open).transports == [.tcp])
    }

    @Test func `contradictions name the field and both values`() {
        func problem(_ dialer: Requirements, _ listener: Requirements) -> String? {
            do throws(MergeProblem) {
                _ = try Requirements.merge(dialer: dialer, listener: listener)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(
            problem(Requirements(direction: .simplex), Requirements(direction: .queue))
                == "the ends contradict each other in direction: the dialer asks for simplex, the listener for queue")
        #expect(
            problem(Requirements(transports: [.tcp]), Requirements(transports: [.tls, .pipe]))
                == "the ends contradict each other in transports: the dialer asks for tcp, the listener for tls, pipe")
        #expect(
            problem(Requirements(overflow: .detach), Requirements(overflow: .dropOldest))
                == "the ends contradict each other in overflow: the dialer asks for detach, "
                + "the listener for drop-oldest")
        #expect(problem(Requirements(overflow: .detach), Requirements()) == nil)
    }

    @Test func `absent fields take the configuration's defaults`() throws {
        #expect(try decode(Requirements.self, "{}") == Requirements())
        #expect(try decode(Requirements.self, #"{"new":1,"wait":"power"}"#) == Requirements(wait: .power))
        let full = Requirements(
            transports: [], deny: [.tcp], must: ["x"], prefer: [.replay], direction: .queue, optimize: .throughput,
            wait: .latency, messageBytes: 0, maximumMessageBytes: 1, receivers: 9, overflow: .dropOldest)
        #expect(try roundTrip(full) == full)
    }

    @Test(arguments: [
        #"{"direction":"sideways"}"#, #"{"wait":3}"#, #"{"messageBytes":1e40}"#, #"{"must":"replay"}"#, "[]",
        #"{"overflow":"explode"}"#, #"{"transports":[1]}"#,
    ])
    func `what cannot be honoured is an error`(json: String) {
        #expect(throws: DecodingError.self) { try decode(Requirements.self, json) }
    }

    @Test(arguments: [
        (Requirements(messageBytes: -1), "messageBytes"), (Requirements(maximumMessageBytes: 0), "maximumMessageBytes"),
        (Requirements(maximumMessageBytes: .max), "maximumMessageBytes"), (Requirements(receivers: 0), "receivers"),
        (Requirements(must: ["Not A Name"]), "must"), (Requirements(deny: [""]), "deny"),
        (Requirements(transports: Array(repeating: .tcp, count: 65)), "transports"),
    ])
    func `values out of bounds are named`(request: Requirements, field: String) {
        let problem = #expect(throws: RecordProblem.self) { try request.validated() }
        #expect(problem?.field == field)
    }

    @Test func `even a request that was not validated decides without a trap`() {
        for size in [Int.min, -1, 0, Int.max] {
            for direction in Direction.allCases {
                let request = Requirements(
                    direction: direction, messageBytes: size, maximumMessageBytes: size, receivers: size)
                var record = StandardRecords.sharedMemory
                record.maximumRecordBytes = size
                let decision = Decision.dryRun(
                    request, relation: .assumed(.sameHost), records: [record, StandardRecords.semaphore])
                #expect(decision.candidates.count == 2)
                #expect(!decision.description.isEmpty)
            }
        }
    }
}
