// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru

/// What a case came to.
struct BenchResult {
    let plan: BenchCase
    let outcome: BenchOutcome
    let stolenMilliseconds: Int
    let floor: (before: Double, after: Double)

    /// The measured part, in seconds: at a stream from the first message sent to the last one handled.
    var seconds: Double { Double(outcome.end - min(outcome.start, outcome.end)) / 1e9 }
    var messagesPerSecond: Double { seconds > 0 ? Double(plan.count) / seconds : 0 }
    /// Processor time of both ends in hundredths of one core.
    var cpuPercent: Double { seconds > 0 ? Double(outcome.cpu) / seconds / 1e7 : 0 }

    /// The case's line: the fields of the peer kit, and this command's own.
    func json(round: Int) -> JSON {
        var members = plan.members(mechanism: outcome.mechanism, round: round)
        switch plan.pattern {
        case .rtt, .connect:
            members += [
                ("p50_ns", .number(outcome.p50)), ("p99_ns", .number(outcome.p99)), ("p999_ns", .number(outcome.p999)),
                ("min_ns", .number(outcome.minimum)), ("mean_ns", .number(outcome.mean)),
            ]
        case .stream:
            members += [
                ("msgs_s", .number(messagesPerSecond)),
                ("gb_s", .number(messagesPerSecond * Double(plan.size) / 1e9)),
            ]
        case .idle: break
        }
        members += [
            ("wall_s", .number(seconds)), ("cpu_pct", .number(cpuPercent)), ("steal_ms", .integer(stolenMilliseconds)),
            ("invol", .integer(Int(outcome.preemptions))),
            ("floor_ns", .array([.number(floor.before), .number(floor.after)])),
        ]
        return .object(members)
    }
}

/// Results as a person reads them.
struct BenchTable {
    private var results: [BenchResult] = []

    mutating func add(_ result: BenchResult) { results.append(result) }

    /// A case in a few words.
    func name(_ plan: BenchCase) -> String {
        let size = Format.bytes(UInt64(plan.size))
        return "\(plan.pattern.rawValue) \(plan.transport) \(size) \(plan.wait) \(plan.send.rawValue) \(plan.form.rawValue)"
    }

    /// The table's lines: one for each case, in the order measured.
    var lines: [String] {
        var table = TextTable(rows: [
            ["pattern", "transport", "size", "wait", "send", "form", "result", "p99", "p99.9", "cpu", "floor"]
        ])
        for result in results {
            let plan = result.plan
            table.rows.append(
                [
                    plan.pattern.rawValue, result.outcome.mechanism, Format.bytes(UInt64(plan.size)),
                    plan.wait.rawValue, plan.send.rawValue, plan.form.rawValue,
                ] + columns(result) + [
                    "\(Format.decimal(result.cpuPercent, digits: result.cpuPercent < 10 ? 2 : 0)) %",
                    "\(Format.decimal(max(result.floor.before, result.floor.after), digits: 0)) ns",
                ])
        }
        return table.lines
    }

    private func columns(_ result: BenchResult) -> [String] {
        let outcome = result.outcome
        switch result.plan.pattern {
        case .rtt, .connect: return [Self.time(outcome.p50), Self.time(outcome.p99), Self.time(outcome.p999)]
        case .idle: return ["\(Format.decimal(result.seconds, digits: 1)) s", "", ""]
        case .stream:
            let rate = result.messagesPerSecond
            let messages =
                rate >= 1e6
                ? "\(Format.decimal(rate / 1e6, digits: 2)) M/s" : "\(Format.decimal(rate / 1e3, digits: 1)) k/s"
            let bytes = rate * Double(result.plan.size) / 1e9
            return ["\(messages), \(Format.decimal(bytes, digits: 2)) GB/s", "", ""]
        }
    }

    private static func time(_ nanoseconds: Double) -> String {
        if nanoseconds < 10_000 { return "\(Format.decimal(nanoseconds, digits: nanoseconds < 1_000 ? 1 : 0)) ns" }
        return "\(Format.decimal(nanoseconds / 1_000, digits: 1)) µs"
    }
}
