// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// Sleeping on a 32-bit word of memory that processes may share.
public enum Futex {
    /// How a wait ended.
    @frozen
    public enum WaitResult: Sendable, Hashable {
        /// Someone woke this thread, or a signal came: look at the word again.
        case woken
        /// The word had already changed; nothing was waited for.
        case changed
        /// The deadline came first.
        case timedOut
    }

    /// Blocks while the word is `expected`, until a wake-up or the deadline.
    ///
    /// The word is aligned to 4 bytes and mapped; a read-only mapping does. May return ``WaitResult/woken`` without
    /// reason. Throws only what a mistake of the program or a filter of system calls causes.
    public static func wait(
        _ word: UnsafeRawPointer, while expected: UInt32, deadline: Deadline
    ) throws(SystemError) -> WaitResult {
        // Safe: the kernel checks the address itself and answers EFAULT.
        let result = unsafe naru_futex_wait(word, expected, deadline.nanoseconds)
        switch -result {
        case 0, SystemErrno.interrupted: return .woken
        case SystemErrno.again: return .changed
        case SystemErrno.timedOut: return .timedOut
        default: throw failure(-result, "futex", "wait")
        }
    }

    /// Wakes up to `count` threads that wait on the word, and returns how many it were. Does not block.
    @discardableResult
    public static func wake(_ word: UnsafeRawPointer, count: Int32 = 1) -> Int {
        Int(max(0, unsafe naru_futex_wake(word, count)))
    }
}
