// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruCore
import NaruSystem
import Testing

/// The kit itself: it finds faults, it passes over nothing.
@Suite(.timeLimit(.minutes(3))) struct ConformanceTests {
    @Test(arguments: FaultyTransport.Fault.allCases) func aFaultIsFound(_ fault: FaultyTransport.Fault) async throws {
        let line = try #require(Conformance.line(fault.line))
        defer { Leak.mend(fault) }
        let failure = await #expect(throws: ConformanceFailure.self) {
            try await Conformance.run(line, FaultyTransport(fault), patience: .seconds(2))
        }
        #expect(failure?.line == fault.line)
        #expect(failure?.description.contains(line.contract) == true)
    }

    @Test func linesHaveNamesOfTheirOwnAndASentence() {
        let lines = Conformance.lines
        #expect(Set(lines.map(\.id)).count == lines.count)
        #expect(lines.allSatisfy { !$0.contract.isEmpty && $0.contract.hasSuffix(".") })
        #expect(Set(lines.map(\.battery)) == Set(ConformanceLine.Battery.allCases))
        #expect(Conformance.line("no.such") == nil)
    }

    /// Each sentence of the lanes' contract is a line: none of the comment's can be added without one.
    @Test(arguments: ["OutboundLane", "InboundLane"]) func everyPromiseOfALaneIsALine(_ file: String) throws {
        let root = "\(#filePath)".split(separator: "/").dropLast(3).map(String.init).joined(separator: "/")
        let path = "/\(root)/Sources/NaruCore/Transport/\(file).swift"
        let text = String(decoding: try FileSystem.readSmallFile(path, limit: 1 << 20), as: UTF8.self)
        let promises = promises(in: text)
        #expect(promises.count > 6)
        let contracts = Conformance.lines.map { plain($0.contract) }
        for promise in promises { #expect(contracts.contains { $0.contains(promise) }, "\(promise)") }
    }

    /// The sentences of the bullets of a source's first documentation comment.
    private func promises(in source: String) -> [String] {
        var bullets: [String] = []
        for line in source.split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("///") else {
                if bullets.isEmpty { continue }
                break
            }
            let text = line.dropFirst(3)
            if text.hasPrefix(" - ") {
                bullets.append(String(text.dropFirst(3)))
            } else if text.hasPrefix("   "), !bullets.isEmpty {
                bullets[bullets.count - 1] += " " + text.dropFirst(3)
            }
        }
        return bullets.flatMap { bullet in
            plain(bullet).split(separator: ". ").map { $0.hasSuffix(".") ? String($0.dropLast()) : String($0) }
        }
    }

    /// A text without its markup, and references by their last part.
    private func plain(_ text: String) -> String {
        text.split(separator: " ").map { word in
            word.contains("``") ? word.split(separator: "/").last.map(String.init) ?? "" : String(word)
        }.joined(separator: " ").filter { $0 != "`" && $0 != "*" }
    }

    @Test func whatIsNotAvailableIsSaidLineByLine() async {
        let report = await Conformance.report(
            of: RecordTransport { $0.availability = .refused(reason: "no", remedy: "yes") })
        #expect(report.failures.isEmpty)
        #expect(report.rows.count == Conformance.lines.count)
        #expect(report.inapplicable == Conformance.lines.count { !$0.id.hasPrefix("probe.") })
        for row in report.rows where !row.line.id.hasPrefix("probe.") {
            #expect(row.reasonInapplicable?.contains("no (yes)") == true)
            #expect(report.description.contains("\(row.line.id) "))
        }
        #expect(report.description.contains("\(report.passed) passed, \(report.inapplicable) inapplicable, 0 failed"))
    }

    @Test(arguments: Conformance.lines) func aRecordDecidesWhichLinesApply(_ line: ConformanceLine) async throws {
        guard !line.id.hasPrefix("probe.") else { return }
        let attached = try await Conformance.run(line, RecordTransport { $0.agreements = [.attached] })
        let queue = try await Conformance.run(line, RecordTransport { $0.directions = [.queue] })
        for outcome in [attached, queue] { #expect(outcome != .passed) }
        if line.battery == .link, !line.id.hasPrefix("attached.") {
            let sameHost = try await Conformance.run(line, RecordTransport { $0.localities = [.sameHost] })
            guard case .inapplicable(let reason) = sameHost else { throw ConformanceMiss() }
            #expect(reason.contains("same-host"))
        }
    }

    @Test func aReportCountsFailures() async {
        // Only lines of the record are left, and one of them fails.
        let report = await Conformance.report(
            of: RecordTransport {
                $0.agreements = [.attached]
                $0.transport = "another"
            })
        #expect(report.failures.map(\.line) == ["probe.record"])
        #expect(report.description.contains("FAILED"))
        #expect(report.passed + report.inapplicable + report.failures.count == report.rows.count)
    }

    private struct ConformanceMiss: Error {}
}

/// A memory transport with another record.
private struct RecordTransport: Transport {
    private let base = MemoryTransport()
    private let record: CapabilityRecord

    init(_ change: (inout CapabilityRecord) -> Void) {
        var record = base.probe()
        change(&record)
        self.record = record
    }

    var name: TransportName { base.name }
    func probe() -> CapabilityRecord { record }
    func open(_ request: OpeningRequest) throws(NaruError) -> any Opening { try base.open(request) }
}
