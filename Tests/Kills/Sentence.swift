// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem
import Synchronization

/// One round's victim and what is known of its end. Safe from every thread.
final class Sentence: Sendable {
    let plan: Plan
    let victim: ChildProcess
    private let ledger: Ledger

    private struct State {
        var killedAt: UInt64 = 0
        var isLinked = false
        var isExpired = false
        var isOver = false
        var giveUp: (@Sendable () -> Void)?
    }
    private let state = Mutex(State())

    init(_ plan: Plan, _ victim: ChildProcess, _ ledger: Ledger) {
        self.plan = plan
        self.victim = victim
        self.ledger = ledger
    }

    /// How long a survivor waits for a link with a victim that is dead.
    static let patience = Duration.milliseconds(40)

    /// When it was killed, in nanoseconds of the monotonic clock; 0 before.
    var killedAt: UInt64 { state.withLock { $0.killedAt } }

    /// Until when a survivor that cannot be cancelled waits for a link.
    var deadline: Deadline {
        switch plan.moment {
        case .afterStart(let time): .after(time + Self.patience)
        case .afterMeeting(let time): .after(time + Self.patience + .milliseconds(60))
        case .afterLinking: .after(.seconds(5))
        }
    }

    /// The survivor has a link; `false` when it has been told to give up.
    func link() -> Bool {
        state.withLock { state in
            state.isLinked = !state.isExpired
            return state.isLinked
        }
    }

    /// The survivor knows.
    func end() { state.withLock { $0.isOver = true } }

    /// Nanoseconds for which a survivor does not know that its peer is dead; 0 when it knows.
    func overdue(_ now: UInt64) -> UInt64 {
        state.withLock { $0.isOver || $0.killedAt == 0 || $0.killedAt > now ? 0 : now - $0.killedAt }
    }

    /// Has the victim killed at its moment, and `giveUp` called when no link has come by then.
    func carryOut(by reactor: Reactor, giveUp: (@Sendable () -> Void)?) {
        state.withLock { $0.giveUp = giveUp }
        switch plan.moment {
        case .afterStart(let time): _ = reactor.schedule(at: .after(time)) { self.kill(reactor) }
        case .afterMeeting(let time): awaitPhase(.meeting, reactor, time, until: .after(.seconds(5)))
        case .afterLinking(let time): awaitPhase(.linked, reactor, time, until: .after(.seconds(5)))
        }
    }

    private func awaitPhase(_ phase: Ledger.Phase, _ reactor: Reactor, _ time: Duration, until limit: Deadline) {
        if ledger.phase.rawValue >= phase.rawValue || limit.isPast {
            _ = reactor.schedule(at: .after(time)) { self.kill(reactor) }
        } else {
            _ = reactor.schedule(at: .after(.microseconds(200))) {
                self.awaitPhase(phase, reactor, time, until: limit)
            }
        }
    }

    private func kill(_ reactor: Reactor) {
        // Before, so that no survivor can know earlier.
        state.withLock { $0.killedAt = MonotonicClock.nanoseconds() }
        victim.kill(Signals.kill)
        _ = reactor.schedule(at: .after(Self.patience)) { self.expire() }
    }

    private func expire() {
        let giveUp = state.withLock { state in
            defer { state.giveUp = nil }
            if state.isLinked || state.isOver { return nil as (@Sendable () -> Void)? }
            state.isExpired = true
            return state.giveUp
        }
        giveUp?()
    }
}
