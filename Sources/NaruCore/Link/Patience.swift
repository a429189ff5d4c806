// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// How long the waits of one lane's end spin before they sleep; learns from wait to wait.
///
/// `latency` spins: a thread for ever, a task for a bounded while, because it must not hold one of Swift's threads.
/// `power` sleeps at once. `balanced` spins for a budget that it learns:
///
/// - A wait that ended while it spun proves that spinning helps, and doubles the budget where it came late in it.
/// - A wait that had to sleep after all is a miss. After a few misses in a row the budget halves, down to none: whether
///   the peer is slow, or waits for the very core that this end spins on, spinning only burns. Then every 32nd wait
///   tries again with a little.
///
/// The budget is at most ``longest``, which is what waking a sleeper on another core costs: spinning longer than that
/// for something that does not come costs more than it could have saved.
///
/// On a host with one core nobody spins: the peer could not run meanwhile.
struct Patience {
    private let mode: WaitMode
    /// How long to spin, nanoseconds.
    private var budget: UInt64
    private var misses = 0
    private var waits = 0

    /// The cost of a wake-up on another core of a virtual machine, nanoseconds.
    static let longest: UInt64 = 50_000
    private static let shortest: UInt64 = 5_000
    private static let trial: UInt64 = 10_000
    private static let missesBeforeLess = 4
    private static let waitsBetweenTrials = 32
    private static let hasSeveralCores = HostInformation.coreCount > 1

    init(_ mode: WaitMode) {
        self.mode = mode
        budget = mode == .balanced ? 2 * Self.trial : 0
    }

    /// Begins a wait.
    mutating func begin(_ style: WaitStyle, deadline: Deadline) -> WaitSpell {
        guard Self.hasSeveralCores else { return WaitSpell(limit: 0, deadline: deadline) }
        switch mode {
        case .latency: return WaitSpell(limit: style == .thread ? .max : Self.longest, deadline: deadline)
        case .power: return WaitSpell(limit: 0, deadline: deadline)
        case .balanced:
            waits &+= 1
            let isTrial = budget == 0 && waits % Self.waitsBetweenTrials == 0
            return WaitSpell(limit: isTrial ? Self.trial : budget, deadline: deadline)
        }
    }

    /// Learns from a wait that has come true.
    mutating func end(_ spell: WaitSpell) {
        guard mode == .balanced, spell.limit > 0 else { return }
        if spell.isOver {
            misses &+= 1
            guard misses >= Self.missesBeforeLess else { return }
            misses = 0
            budget = budget > Self.shortest ? budget / 2 : 0
        } else {
            misses = 0
            budget = min(max(budget, Self.shortest, 2 * spell.elapsed), Self.longest)
        }
    }
}

/// One wait: how long it has spun, and whether it may go on.
struct WaitSpell {
    /// How long it may spin, nanoseconds.
    let limit: UInt64
    private let deadline: Deadline
    private var start: UInt64 = 0
    /// How long it had spun when it last looked at the clock, nanoseconds.
    private(set) var elapsed: UInt64 = 0
    /// Whether the last look found nothing.
    private(set) var foundNothing = false
    /// Whether it has spun enough and sleeps from now on.
    private(set) var isOver: Bool

    /// Looks between two of the clock: some microseconds.
    static let rounds = 128

    init(limit: UInt64, deadline: Deadline) {
        self.limit = limit
        self.deadline = deadline
        isOver = limit == 0
    }

    private var found = 0
    private static let findsBetweenLooks = 32

    private mutating func lookAtClock() {
        let now = MonotonicClock.nanoseconds()
        if start == 0 { start = now }
        elapsed = now &- start
        // The sleep that follows reports the deadline.
        isOver = elapsed >= limit || now >= deadline.nanoseconds
    }

    /// Stops spinning: somebody else wants the thread.
    mutating func stop() { isOver = true }

    /// Whether to look once more, after what the lane found.
    mutating func goesOn(after outcome: SpinOutcome) -> Bool {
        foundNothing = outcome == .nothing
        switch outcome {
        case .found:
            // A lane may find something that is not what is waited for, again and again.
            found &+= 1
            if found % Self.findsBetweenLooks == 0 { lookAtClock() }
        case .pointless: isOver = true
        case .nothing: lookAtClock()
        }
        return !isOver
    }
}
