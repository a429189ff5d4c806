// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// The clock that never jumps: `CLOCK_MONOTONIC`, the same for all processes of a host.
public enum MonotonicClock {
    /// Nanoseconds since some moment before the program began. One call into the vDSO.
    public static func nanoseconds() -> UInt64 { naru_monotonic_nanoseconds() }
}
