// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// What a writer remembers of its ring's growth.
struct GrowthState {
    let source: RingGrowth
    /// The number of the last offer.
    var number: UInt64
    /// The ring that was offered.
    var offered: RingMemory?
    private var fulls = 0
    private var fullMark = Mark()
    private var flowMark = Mark()

    /// Where the writer was when the clock was last looked at.
    private struct Mark {
        var position: UInt64 = 0
        var time: UInt64 = 0

        /// Bytes in a nanosecond since the last call; 0 at the first.
        mutating func rate(_ position: UInt64) -> Double {
            let now = MonotonicClock.nanoseconds()
            defer { self = Mark(position: position, time: now) }
            return time > 0 && now > time ? Double(position &- self.position) / Double(now - time) : 0
        }
    }

    /// How often the ring is full between two looks at the clock.
    private static let fullsBetweenLooks = 8
    /// The traffic that is worth a larger ring where it is full again and again, bytes in a nanosecond: 100 MB/s. A
    /// reader that is merely slow fills every ring.
    private static let worthwhile = 0.1
    /// How many rings are written between two looks at the clock.
    private static let roundsBetweenLooks: UInt64 = 64
    /// The traffic that is worth a larger ring, full or not: 1 GB/s. The writer of a small ring comes back to lines
    /// that the reader's core still holds, and takes twice as long for each.
    private static let flow = 1.0

    init(_ source: RingGrowth, number: UInt64) {
        self.source = source
        self.number = number
    }

    init(_ source: RingGrowth) {
        self.init(source, number: 0)
    }

    /// Whether the ring, full once more with its head at `position`, has been full often while much flowed.
    mutating func isOftenFull(_ position: UInt64) -> Bool {
        fulls += 1
        guard fulls % Self.fullsBetweenLooks == 0 else { return false }
        return fullMark.rate(position) > Self.worthwhile
    }

    /// Whether so much flows that a larger ring is faster, whoever waits for whom.
    mutating func flows(_ position: UInt64, ringBytes: Int) -> Bool {
        guard position &- flowMark.position >= Self.roundsBetweenLooks &* UInt64(ringBytes) else { return false }
        return flowMark.rate(position) > Self.flow
    }
}
