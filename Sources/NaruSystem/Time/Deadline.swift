// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// A point of time on the monotonic clock, until which something is waited for.
public struct Deadline: Sendable, Hashable, Comparable {
    /// Nanoseconds of `CLOCK_MONOTONIC`; the greatest number means never.
    public let nanoseconds: UInt64

    /// A point of the clock; 0 is always past.
    @inlinable public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// No deadline.
    // Computed: a stored one would be asked for whether it is there with every message sent.
    @inlinable public static var never: Deadline { Deadline(nanoseconds: .max) }

    /// The present.
    public static var now: Deadline { Deadline(nanoseconds: MonotonicClock.nanoseconds()) }

    /// `duration` from now: now for a negative one, ``never`` for one that is longer than the clock can count.
    public static func after(_ duration: Duration) -> Deadline {
        Deadline(nanoseconds: saturatingAdd(MonotonicClock.nanoseconds(), nanoseconds(of: duration)))
    }

    /// Whether it has come.
    public var isPast: Bool { nanoseconds != .max && MonotonicClock.nanoseconds() >= nanoseconds }

    /// How long until it comes; 0 when it has, the greatest number for ``never``.
    public var remainingNanoseconds: UInt64 {
        if nanoseconds == .max { return .max }
        let now = MonotonicClock.nanoseconds()
        return nanoseconds > now ? nanoseconds - now : 0
    }

    public static func < (a: Deadline, b: Deadline) -> Bool { a.nanoseconds < b.nanoseconds }

    private static func saturatingAdd(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? .max : sum
    }

    private static func nanoseconds(of duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : saturatingAdd(product, UInt64(attoseconds / 1_000_000_000))
    }
}
