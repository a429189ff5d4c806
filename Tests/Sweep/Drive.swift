// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Glibc
import NaruSystem
import Synchronization

/// What is asked of the sweep.
struct Order: Sendable {
    var rounds = 1
    /// How many points of a row are swept, evenly spread; `nil`: all.
    var sample: Int?
    /// Of a call that is made more often, so many are points.
    var limit = 24
    /// Only rows whose transport and title hold this.
    var only: String?
    /// Only this point.
    var point: Point?
    var workers = 4
}

/// Sweeps row after row.
struct Drive {
    let order: Order

    /// Whether all is as it must be.
    func run() throws -> Bool {
        let rows = Row.all.filter { row in order.only.map("\(row.transport) \(row.title)".contains) ?? true }
        var (kills, complaints) = (0, 0)
        print(Tally.head)
        for round in 0..<order.rounds {
            for row in rows {
                let tally = try RowRun(row, order, round).run()
                print(tally.line(row))
                for complaint in tally.complaints { print("    WRONG \(complaint)") }
                fflush(nil)
                kills += tally.kills
                complaints += tally.complaints.count
            }
        }
        print(
            complaints == 0
                ? "\(kills) kills: no hang, nothing lost, nothing left behind" : "\(kills) kills: \(complaints) wrong")
        return complaints == 0
    }
}

/// Sweeps one row, by several threads, each on a stage of its own.
private final class RowRun: Sendable {
    private let row: Row
    private let order: Order
    private let round: Int
    private let state = Mutex(State())

    private struct State {
        var points: [Point] = []
        var next = 0
        var tally = Tally()
        var error: (any Error)?
    }

    init(_ row: Row, _ order: Order, _ round: Int) { (self.row, self.order, self.round) = (row, order, round) }

    func run() throws -> Tally {
        try onThreads(1) { stage in try self.record(stage) }
        try onThreads(order.workers) { stage in
            while let point = self.next() {
                var round = Round(stage, self.row, point)
                try round.play()
                self.state.withLock { $0.tally.add(round.verdict, point) }
            }
        }
        return state.withLock { $0.tally }
    }

    private func next() -> Point? {
        state.withLock { state in
            guard state.next < state.points.count, state.error == nil else { return nil }
            defer { state.next += 1 }
            return state.points[state.next]
        }
    }

    /// Plays the whole life, and notes which points it has.
    private func record(_ stage: Stage) throws {
        if let held = row.held {
            return state.withLock { state in
                state.points = [Point(held, 1, isAfter: true)]
                state.tally.begin(1)
            }
        }
        var round = Round(stage, row, nil)
        try round.play()
        var points = order.point.map { [$0] } ?? Point.all(of: round.calls, limit: order.limit)
        if let sample = order.sample, points.count > sample {
            // Another round begins elsewhere.
            points = (0..<sample).map { points[($0 * points.count / sample + self.round) % points.count] }
        }
        state.withLock { state in
            state.points = points
            state.tally.begin(points.count)
            state.tally.add(round.verdict, nil)
        }
    }

    /// Runs something on so many threads, each with a stage, and throws what the first of them threw.
    private func onThreads(_ count: Int, _ body: @escaping @Sendable (Stage) throws -> Void) throws {
        let threads = try (0..<count).map { number in
            try SystemThread(name: "sweep-\(number)") {
                do {
                    try body(try Stage(number))
                } catch {
                    self.state.withLock { $0.error = $0.error ?? error }
                }
            }
        }
        for thread in threads { thread.join() }
        if let error = state.withLock({ $0.error }) { throw error }
    }
}
