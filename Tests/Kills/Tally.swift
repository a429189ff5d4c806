// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// What came of all rounds so far.
struct Tally {
    private(set) var kills = 0
    private(set) var complaints: [String] = []
    private var unlinked = 0
    private var messages: UInt64 = 0
    private var delays: [UInt64] = []
    private var codes: [String: Int] = [:]
    private let began = MonotonicClock.nanoseconds()

    mutating func add(_ outcome: Outcome, _ complaint: String?, _ plan: Plan) {
        kills += 1
        messages += outcome.messages
        if outcome.isLinked { delays.append(outcome.delay) } else { unlinked += 1 }
        let kind = outcome.isLinked ? "" : "before a link: "
        codes[kind + (outcome.code.map { "\($0)" } ?? "given up"), default: 0] += 1
        if let complaint { complaints.append("round \(kills), \(plan.description): \(complaint)") }
    }

    static let head =
        "   kills  before link  with link     messages   told after: median     99 %  slowest   seconds  wrong"

    /// One line of the table.
    var row: String {
        let sorted = delays.sorted()
        func milliseconds(_ share: Double) -> String {
            guard !sorted.isEmpty else { return "-" }
            let value = Double(sorted[min(Int(Double(sorted.count) * share), sorted.count - 1)]) / 1e6
            return "\((value * 10).rounded() / 10) ms"
        }
        let seconds = (MonotonicClock.nanoseconds() - began) / 1_000_000_000
        let cells: [(String, Int)] = [
            ("\(kills)", 8), ("\(unlinked)", 13), ("\(kills - unlinked)", 11), ("\(messages)", 13),
            (milliseconds(0.5), 21), (milliseconds(0.99), 9), (milliseconds(1), 9), ("\(seconds)", 10),
            ("\(complaints.count)", 7),
        ]
        return cells.map { String(repeating: " ", count: max(0, $0.1 - $0.0.count)) + $0.0 }.joined()
    }

    /// How many survivors were told what.
    var reasons: String {
        codes.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }.joined(separator: ", ")
    }

    /// How long survivors took, in powers of two of a millisecond.
    var histogram: String {
        var counts: [Int: Int] = [:]
        for delay in delays {
            let milliseconds = delay / 1_000_000
            counts[milliseconds == 0 ? 0 : 64 - milliseconds.leadingZeroBitCount, default: 0] += 1
        }
        return counts.sorted { $0.key < $1.key }.map { "below \(1 << $0.key) ms: \($0.value)" }.joined(separator: ", ")
    }
}

/// What this process and the host hold that a round could leave behind.
struct Holdings {
    var descriptors: Set<String>
    var rings: Int
    var threads: Int
    var sharedObjects: Set<String>

    /// What there is now.
    init() throws {
        descriptors = Set(
            try FileSystem.list("/proc/self/fd").compactMap { number in
                (try? FileSystem.readLink("/proc/self/fd/\(number)")).map { "\(number) \($0)" }
            })
        let maps = String(decoding: try FileSystem.readSmallFile("/proc/self/maps", limit: 1 << 26), as: UTF8.self)
        rings = maps.split(separator: "\n").count { $0.contains("naru-ring") }
        threads = try FileSystem.list("/proc/self/task").count { task in
            let name = (try? FileSystem.readSmallFile("/proc/self/task/\(task)/comm", limit: 64)) ?? []
            return String(decoding: name, as: UTF8.self).hasPrefix("naru")
        }
        sharedObjects = Set((try? FileSystem.list("/dev/shm")) ?? [])
    }

    /// What there is more of than before.
    func left(since before: Holdings) -> [String] {
        var left = descriptors.subtracting(before.descriptors).sorted().map { "descriptor \($0)" }
        // More or fewer than before of the same kind would show above; numbers alone may differ.
        if descriptors.count <= before.descriptors.count { left = [] }
        if rings > before.rings { left.append("\(rings - before.rings) mapped rings") }
        if threads > before.threads { left.append("\(threads - before.threads) threads") }
        left += sharedObjects.subtracting(before.sharedObjects).sorted().map { "/dev/shm/\($0)" }
        return left
    }
}
