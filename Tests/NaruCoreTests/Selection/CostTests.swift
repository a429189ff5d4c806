// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import Testing

@Suite struct CostTests {
    /// 0, and every power of two and its half steps up to 256 MiB.
    private static let sizes = [0] + (0...28).flatMap { [1 << $0, 3 << $0] }

    private func cost(
        _ name: TransportName, _ wait: WaitMode, _ objective: Objective, _ size: Int, receivers: Int = 1
    ) throws -> Int {
        let entry = try #require(CostTable.shipped[name, wait, objective])
        return Cost.quantised(entry.time(size: size, receivers: receivers))
    }

    @Test func `every known transport has a shipped cost in every case`() throws {
        for name in TransportName.known {
            for wait in WaitMode.allCases {
                for objective in Objective.allCases {
                    #expect(CostTable.shipped[name, wait, objective] != nil)
                }
            }
        }
        #expect(CostTable.shipped.entries.count == TransportName.known.count)
        #expect(try CostTable.shipped.validated() == CostTable.shipped)
    }

    @Test(arguments: WaitMode.allCases, Objective.allCases)
    func `memory wins at every size and number of receivers`(wait: WaitMode, objective: Objective) throws {
        let throughKernel: [TransportName] = [.unixSocket, .pipe, .fifo, .posixQueue, .sysvQueue, .tcp, .tls, .nats]
        let broadcasting: [TransportName] = [.unixSocket, .tcp, .tls]
        for size in Self.sizes {
            for receivers in [1, 2, 100] {
                let memory = try cost(.sharedMemory, wait, objective, size, receivers: receivers)
                #expect(try cost(.inProcess, wait, objective, size, receivers: receivers) <= memory)
                for name in receivers == 1 ? throughKernel : broadcasting {
                    #expect(try memory < cost(name, wait, objective, size, receivers: receivers))
                }
            }
        }
    }

    @Test(arguments: [
        (0.0, 0), (-5, 0), (0.4, 0), (7.6, 8), (17, 18), (100, 104), (110, 112), (1000, 1024), (1030, 1024),
        (1100, 1152), (Double.nan, 1 << 53), (.infinity, 1 << 53), (-.infinity, 0), (1e300, 1 << 53),
    ])
    func `quantising keeps three binary digits after the first`(nanoseconds: Double, expected: Int) {
        #expect(Cost.quantised(nanoseconds) == expected)
    }

    @Test func `quantising is monotonic and within a sixteenth`() {
        var last = 0
        var value = 1.0
        while value < 1e15 {
            let quantised = Cost.quantised(value)
            #expect(quantised >= last)
            #expect(abs(Double(quantised) - value) <= value / 16 + 1)
            last = quantised
            value *= 1.01
        }
    }

    @Test func `the nearest case stands in for a missing one`() {
        var table = CostTable(source: .calibrated(fingerprint: "x"))
        #expect(table.cost(of: .tcp, wait: .power, objective: .latency) == nil)
        table[.tcp, .latency, .throughput] = Cost(base: 1, perByte: 0)
        #expect(table.cost(of: .tcp, wait: .power, objective: .latency)?.base == 1)
        table[.tcp, .balanced, .latency] = Cost(base: 2, perByte: 0)
        #expect(table.cost(of: .tcp, wait: .power, objective: .latency)?.base == 2)
        #expect(table.cost(of: .tcp, wait: .power, objective: .throughput)?.base == 1)

        let filled = table.filled(from: .shipped)
        #expect(filled[.tcp, .balanced, .latency]?.base == 2)
        #expect(filled[.tcp, .power, .latency] == CostTable.shipped[.tcp, .power, .latency])
        #expect(filled.source.description == "calibrated:x")
    }

    @Test func `a table survives JSON and a bad one is refused`() throws {
        #expect(try roundTrip(CostTable.shipped) == CostTable.shipped)
        var table = CostTable(source: .calibrated(fingerprint: "a:b"), entries: CostTable.shipped.entries)
        #expect(try roundTrip(table) == table)
        table[.tcp, .power, .latency]?.perByte = -1
        let problem = #expect(throws: RecordProblem.self) { try table.validated() }
        #expect(problem?.field == "entries.tcp.power.latency")
        table[.tcp, .power, .latency]?.perByte = .nan
        #expect(throws: RecordProblem.self) { try table.validated() }
        #expect(throws: DecodingError.self) { try decode(CostTable.self, #"{"source":"guessed","entries":{}}"#) }
        let text = #"{"source":"shipped","entries":{"tcp":{"power":{"latency":{"base":1}}}}}"#
        #expect(throws: DecodingError.self) { try decode(CostTable.self, text) }
    }

    @Test func `a hostile quote is refused, and used unchecked it does not trap`() throws {
        for nanoseconds in [-1, Int.max, Int.min] {
            let quote = CostQuote(source: "shipped", nanoseconds: [.tcp: nanoseconds, .unixSocket: nanoseconds])
            #expect(throws: RecordProblem.self) { try quote.validated() }
            let decision = Selector.decide(
                Requirements(prefer: [.pollable]), relation: .assumed(.sameHost), local: StandardRecords.all,
                remote: StandardRecords.all, quote: quote)
            #expect(decision.chosen != nil)
            #expect(!decision.description.isEmpty)
        }
        #expect(throws: RecordProblem.self) { try CostQuote(source: "a\u{7}", nanoseconds: [:]).validated() }
        #expect(throws: RecordProblem.self) { try CostQuote(source: "", nanoseconds: ["A": 1]).validated() }
    }

    @Test func `a fit returns the line that made the samples`() throws {
        let truth = Cost(base: 5500, perByte: 0.25)
        let samples = [64, 4096, 65536, 1 << 20].map { Cost.Sample(size: $0, nanoseconds: truth.time(size: $0)) }
        let fit = try #require(Cost.fitted(to: samples))
        #expect(abs(fit.base - 5500) < 0.01)
        #expect(abs(fit.perByte - 0.25) < 0.0001)
    }

    @Test func `a fit is never negative, and needs two sizes`() throws {
        let falling = [Cost.Sample(size: 0, nanoseconds: 100), Cost.Sample(size: 1000, nanoseconds: 50)]
        let flat = try #require(Cost.fitted(to: falling))
        #expect(flat.perByte == 0 && flat.base > 50 && flat.base < 100)
        let steep = [Cost.Sample(size: 10, nanoseconds: 1), Cost.Sample(size: 20, nanoseconds: 100)]
        let through = try #require(Cost.fitted(to: steep))
        #expect(through.base == 0 && through.perByte > 0)
        #expect(Cost.fitted(to: []) == nil)
        #expect(Cost.fitted(to: [falling[0], falling[0]]) == nil)
        #expect(Cost.fitted(to: [falling[0], Cost.Sample(size: 5, nanoseconds: .nan)]) == nil)
    }
}
