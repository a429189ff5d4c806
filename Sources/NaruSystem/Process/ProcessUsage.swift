// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// What this process has used until now.
public struct ProcessUsage: Sendable, Hashable {
    /// Processor time of all its threads, user and system, in nanoseconds.
    public let nanoseconds: UInt64
    /// How often one of its threads lost its core to somebody else.
    public let preemptions: UInt64

    /// The process's usage now.
    public static func current() -> ProcessUsage {
        var nanoseconds: UInt64 = 0
        var preemptions: UInt64 = 0
        // Safe: the callee fills the two locals. It fails only for arguments that are not these.
        _ = unsafe naru_usage(&nanoseconds, &preemptions)
        return ProcessUsage(nanoseconds: nanoseconds, preemptions: preemptions)
    }
}
