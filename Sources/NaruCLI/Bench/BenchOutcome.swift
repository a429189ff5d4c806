// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Histogram
import Naru
import NaruSystem

/// What one end measured. Travels from the process of the end to the command as one line of numbers.
struct BenchOutcome: Sendable {
    /// When the measured part began and ended at this end, nanoseconds of the monotonic clock.
    var start: UInt64 = 0
    var end: UInt64 = 0
    /// Processor time of the process in between, nanoseconds.
    var cpu: UInt64 = 0
    var preemptions: UInt64 = 0
    /// Of a round trip, nanoseconds; 0 where none was measured.
    var p50 = 0.0
    var p99 = 0.0
    var p999 = 0.0
    var minimum = 0.0
    var mean = 0.0
    /// Reading what arrived must not be optimised away.
    var sum: UInt64 = 0
    var mechanism = "-"

    var line: String {
        "outcome \(start) \(end) \(cpu) \(preemptions) \(p50) \(p99) \(p999) \(minimum) \(mean) \(sum) \(mechanism)"
    }

    init() {}

    /// Reads a line; `nil` when it is none.
    init?(line: Substring) {
        let words = line.split(separator: " ")
        guard words.count == 12, words[0] == "outcome" else { return nil }
        guard let start = UInt64(words[1]), let end = UInt64(words[2]), let cpu = UInt64(words[3]),
            let preemptions = UInt64(words[4]), let sum = UInt64(words[10])
        else { return nil }
        let times = words[5...9].compactMap { Double($0) }
        guard times.count == 5 else { return nil }
        (self.start, self.end, self.cpu, self.preemptions, self.sum) = (start, end, cpu, preemptions, sum)
        (p50, p99, p999, minimum, mean) = (times[0], times[1], times[2], times[3], times[4])
        mechanism = String(words[11])
    }

    /// Adds the other end's part: processor time of both, and the later end.
    mutating func combine(_ other: BenchOutcome) {
        end = max(end, other.end)
        sum &+= other.sum
        // Ends in one process measured the same process.
        if mechanism != TransportName.inProcess.rawValue {
            cpu += other.cpu
            preemptions += other.preemptions
        }
    }

    /// Puts the percentiles of round trips in.
    mutating func record(ticks: [UInt64]) {
        guard !ticks.isEmpty else { return }
        // In tenths of a nanosecond, because a fast round trip has some hundred.
        let scale = TickClock.nanosecondsPerTick * 10
        var histogram = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
        for sample in ticks { histogram.record(UInt64(max(Double(sample) * scale, 1))) }
        func percentile(_ value: Double) -> Double { Double(histogram.valueAtPercentile(value)) / 10 }
        (p50, p99, p999) = (percentile(50), percentile(99), percentile(99.9))
        minimum = Double(histogram.min) / 10
        mean = histogram.mean / 10
    }
}

/// Takes the time and the processor's use of the measured part.
struct BenchClock {
    private let start = MonotonicClock.nanoseconds()
    private let usage = ProcessUsage.current()

    /// Ends the measured part.
    func stop(_ outcome: inout BenchOutcome) {
        let now = ProcessUsage.current()
        outcome.end = MonotonicClock.nanoseconds()
        outcome.start = start
        outcome.cpu = now.nanoseconds - usage.nanoseconds
        outcome.preemptions = now.preemptions - usage.preemptions
    }
}
