// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// Copies pieces of some kilobytes into memory that another core reads, in whichever of two ways takes less time at the
/// moment.
///
/// `memmove` copies such pieces with the processor's string instruction. It takes over whole cache lines without
/// fetching them, which is twice as fast where the reader's core is far away; but little else goes on meanwhile, and
/// where the reader's core is near, wide stores take two thirds of the time. How far it is no program on a virtual
/// machine can know, and it changes while the program runs. So one copy in some thousands is timed, a few in each way,
/// and the way changes when the other was clearly faster.
///
/// One writer uses it at a time. No call blocks or allocates.
// A class, because a change of it in place, held by a lane, would be checked for exclusive access at run time.
public final class BulkCopy {
    /// The sizes for which there is a choice, bytes: below, and above, `memmove` is as good everywhere.
    private static let sizes = 1_024...32_768
    /// Copies between two trials, and timed in each way in a trial: a trial is a fiftieth of the work.
    private static let betweenTrials = 8_192
    private static let trial = 64
    /// Copies in each way that are not timed yet: what they meet is what the other way has left.
    private static let settling = 8

    private var usesLines = false
    /// Copies until the trial begins; below 0 while it runs.
    private var countdown = 256
    private var current = Sample()
    private var other = Sample()
    /// When the last copy of the trial was done, ticks.
    private var last: UInt64 = 0

    /// The times of one way in a trial: from the end of a copy to the end of the next. What a copy costs shows behind
    /// it as well, since its stores take effect while the program goes on.
    private struct Sample {
        /// Ticks for 1024 bytes, summed over the copies that were not disturbed.
        var sum: UInt64 = 0
        var count: UInt64 = 0
        var least = UInt64.max

        mutating func add(_ ticks: UInt64, byteCount: Int) {
            let time = ticks &* 1_024 / UInt64(byteCount)
            least = min(least, time)
            // An interrupt, or a wait for the reader, takes many times as long as any copy.
            guard time / 16 <= least else { return }
            sum &+= time
            count += 1
        }

        var mean: UInt64 { count == 0 ? .max : sum / count }
    }

    /// Begins with `memmove`, and tries soon.
    public init() {}

    /// Copies `count` bytes. The two pieces of memory do not overlap; both stay the caller's.
    @inline(__always)
    public func copy(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int) {
        guard Self.sizes.contains(count) else { return unsafe target.copyMemory(from: source, byteCount: count) }
        countdown &-= 1
        if countdown < 0 { return unsafe tryOut(source, target, count) }
        unsafe Self.copy(source, target, count, byLines: usesLines)
    }

    @inline(__always)
    private static func copy(
        _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int, byLines: Bool
    ) {
        if byLines {
            // More than 64 bytes, as the callee demands; it touches `count` bytes of both and nothing else.
            unsafe naru_copy_lines(target, source, count)
        } else {
            unsafe target.copyMemory(from: source, byteCount: count)
        }
    }

    /// One copy of a trial: first in the way that is in use, then in the other.
    @inline(never)
    private func tryOut(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int) {
        let each = Self.settling + Self.trial
        let step = -1 &- countdown
        let isOther = step >= each
        unsafe Self.copy(source, target, count, byLines: usesLines != isOther)
        let now = TickClock.ticks()
        if step % each >= Self.settling {
            if isOther { other.add(now &- last, byteCount: count) } else { current.add(now &- last, byteCount: count) }
        }
        last = now
        if step == 2 * each - 1 { decide() }
    }

    /// The other way must be faster by an eighth, so that two that are alike do not take turns.
    private func decide() {
        if other.mean < .max, other.mean &+ other.mean / 8 < current.mean { usesLines.toggle() }
        (current, other) = (Sample(), Sample())
        countdown = Self.betweenTrials
    }
}
