// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import CNaruSystem

/// The processor's own counter of time: for measuring what a call of the clock, some 24 ns, would drown.
public enum TickClock {
    /// The counter now, in ticks of a constant rate; the same on every core of a host whose kernel uses it as clock.
    // Inlinable: a call would cost a part of what is measured.
    @inlinable
    @inline(__always)
    public static func ticks() -> UInt64 { naru_ticks() }

    /// Nanoseconds in a tick, measured once against ``MonotonicClock``; the first use takes 20 ms.
    public static let nanosecondsPerTick: Double = {
        let (start, first) = (MonotonicClock.nanoseconds(), ticks())
        var end = start
        while end - start < 20_000_000 { end = MonotonicClock.nanoseconds() }
        return Double(end - start) / Double(ticks() - first)
    }()
}
