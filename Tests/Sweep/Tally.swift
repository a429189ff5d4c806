// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem

/// What came of all kills of a row.
struct Tally {
    private(set) var points = 0
    private(set) var kills = 0
    private(set) var complaints: [String] = []
    private var verdicts: (hangs: Int, losses: Int, leftovers: Int, wrongs: Int, cleaned: Int) = (0, 0, 0, 0, 0)
    private var slowest: UInt64?
    private let began = MonotonicClock.nanoseconds()

    mutating func begin(_ points: Int) { self.points = points }

    mutating func add(_ verdict: Verdict, _ point: Point?) {
        if verdict.isKilled { kills += 1 }
        if !verdict.hangs.isEmpty { verdicts.hangs += 1 }
        if !verdict.losses.isEmpty { verdicts.losses += 1 }
        if !verdict.leftovers.isEmpty { verdicts.leftovers += 1 }
        if !verdict.wrongs.isEmpty { verdicts.wrongs += 1 }
        if verdict.isCleaned { verdicts.cleaned += 1 }
        if let detection = verdict.detection { slowest = max(slowest ?? 0, detection) }
        complaints += verdict.complaints.map { "\(point.map { "\($0)" } ?? "recorded"): \($0)" }
    }

    private static func line(_ row: Row?, _ cells: [String]) -> String {
        let widths = [7, 7, 10, 7, 8, 11, 7, 9, 9]
        let titles = [(row?.transport ?? "transport", 20), (row?.title ?? "killed", 25)]
        return titles.map { $0.0 + String(repeating: " ", count: max(1, $0.1 - $0.0.count)) }.joined()
            + zip(cells, widths).map { String(repeating: " ", count: max(1, $1 - $0.count)) + $0 }.joined()
    }

    static let head = line(
        nil, ["points", "kills", "slowest", "hangs", "losses", "leftovers", "wrong", "cleaned", "seconds"])

    /// One line of the table.
    func line(_ row: Row) -> String {
        let told = slowest.map { "\(Double($0 / 100_000) / 10) ms" } ?? "-"
        let seconds = (MonotonicClock.nanoseconds() - began) / 1_000_000_000
        return Self.line(
            row,
            [
                "\(points)", "\(kills)", told, "\(verdicts.hangs)", "\(verdicts.losses)", "\(verdicts.leftovers)",
                "\(verdicts.wrongs)", "\(verdicts.cleaned)", "\(seconds)",
            ])
    }
}
