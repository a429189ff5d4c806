// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// How long a waiter spins before it sleeps, for one wait.
///
/// `latency` spins: a thread for ever, a task for a bounded while, because it must not hold one of Swift's threads.
/// `balanced` spins for a while, then sleeps. `power` sleeps at once. On a machine with one core nobody spins: the peer
/// could not run meanwhile.
struct Patience {
    private var rounds: Int
    private let deadline: Deadline

    /// Rounds that a task spins: a poll of a ring costs some 10 to 20 ns, so this is tens of microseconds.
    private static let bounded = 2_000
    private static let hasSeveralCores = HostInformation.coreCount > 1

    init(_ mode: WaitMode, _ style: WaitStyle, deadline: Deadline) {
        self.deadline = deadline
        guard Self.hasSeveralCores else {
            rounds = 0
            return
        }
        switch (mode, style) {
        case (.latency, .thread): rounds = .max
        case (.latency, .task), (.balanced, _): rounds = Self.bounded
        case (.power, _): rounds = 0
        }
    }

    /// Whether to look once more without sleeping.
    @inline(__always)
    mutating func spin() -> Bool {
        guard rounds > 0 else { return false }
        rounds &-= 1
        // The clock costs as much as a poll, so look at it rarely; the sleep that follows reports the deadline.
        if rounds & 0xfff == 0, deadline.isPast {
            rounds = 0
            return false
        }
        Processor.spinHint()
        return true
    }
}
