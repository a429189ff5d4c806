// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import CNaruSystem

/// The processor core that this thread runs on.
public enum Processor {
    /// Tells the core that this thread spins: one `pause` (x86) or `yield` (ARM).
    // Inlinable: a call would cost more than the instruction.
    @inlinable
    @inline(__always)
    public static func spinHint() { naru_spin_hint() }

    /// A sequentially consistent fence: every store of this thread before it is visible to all before any load after it
    /// is carried out.
    // Inlinable: as above.
    @inlinable
    @inline(__always)
    public static func fence() { naru_fence() }

    /// Keeps the compiler from moving loads and stores across it; no instruction. What the processor may do with them
    /// is for another to order: see ``ProcessFence``.
    @inlinable
    @inline(__always)
    public static func compilerFence() { naru_compiler_fence() }

    /// The core's number; the thread may be on another one when it is read. No system call.
    public static func currentCore() -> UInt32 { UInt32(max(0, naru_current_core())) }

    /// Lets another thread that waits for this core run first.
    public static func yield() { naru_yield() }

    /// Runs the calling thread, and threads that it starts from now on, on one core only. `EINVAL` when the host has
    /// none of this number or the process may not use it.
    public static func pin(to core: Int) throws(SystemError) {
        try checked(naru_pin(Int32(clamping: core)), "sched_setaffinity", "core \(core)")
    }

    /// Runs the calling thread only when nobody else wants its core.
    public static func runWhenIdle() throws(SystemError) {
        try checked(naru_run_when_idle(), "sched_setscheduler", "thread")
    }

    /// Gives all threads of the process the nice value of the parent process's first thread, or of its own first: the
    /// pool that Swift's tasks run on gives its threads, and whatever these start, one of its own. Reads
    /// `/proc/self/task`. `EACCES` when only a privileged user may.
    public static func sharePriority(ofParent: Bool) throws(SystemError) {
        try checked(naru_share_priority(ofParent ? 1 : 0), "setpriority", "thread")
    }
}
