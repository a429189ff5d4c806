// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem

/// The line of a terminal that says how far a transfer is, drawn at most ten times a second.
struct ProgressBar {
    private let isShown: Bool
    private let total: Int?
    private let start: UInt64
    private var done: UInt64 = 0
    /// When to draw next, nanoseconds.
    private var due: UInt64
    /// Calls left until the clock is read again.
    private var calls = 0
    private var isDrawn = false

    private static let interval: UInt64 = 100_000_000
    /// The clock is read once for so many calls, or so many bytes.
    private static let callsPerLook = 64
    private static let bytesPerLook = 262_144
    private static let width = 24

    /// - Parameters:
    ///   - isShown: whether to draw at all.
    ///   - total: the bytes of the whole transfer, where that is known.
    init(isShown: Bool, total: Int?) {
        self.isShown = isShown
        self.total = total
        start = MonotonicClock.nanoseconds()
        due = start + Self.interval
    }

    /// Counts bytes, and draws when it is time to.
    mutating func advance(_ bytes: Int) {
        guard isShown else { return }
        done += UInt64(bytes)
        calls -= 1
        guard calls <= 0 || bytes >= Self.bytesPerLook else { return }
        calls = max(1, min(Self.callsPerLook, Self.bytesPerLook / max(bytes, 1)))
        let now = MonotonicClock.nanoseconds()
        guard now >= due else { return }
        due = now + Self.interval
        isDrawn = true
        Console.redraw(Self.line(done: done, total: total, seconds: Double(now - start) / 1e9))
    }

    /// Takes the line away.
    mutating func clear() {
        if isDrawn { Console.redraw("") }
        isDrawn = false
    }

    /// "[############------------]  50%  512.0 MiB  1234 MB/s"; without a total, bytes and rate alone.
    static func line(done: UInt64, total: Int?, seconds: Double) -> String {
        let amount = "\(Format.bytes(done))  \(Format.rate(done, seconds: seconds))"
        guard let total, total > 0 else { return amount }
        let part = min(1, Double(done) / Double(total))
        let filled = Int(part * Double(width))
        let percent = "\(Int(part * 100))%"
        return "[" + String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled) + "] "
            + String(repeating: " ", count: 4 - percent.count) + percent + "  " + amount
    }
}
