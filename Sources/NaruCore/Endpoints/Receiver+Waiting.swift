// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

extension Receiver {
    /// What to do next in a wait.
    private enum Step {
        /// Look for messages: there may be some.
        case look
        /// Nothing more will come.
        case finished
        case spin
        case sleep(WaitTarget)
        /// Sleep on a lane whose link is closed, for what may still be on its way.
        case linger(WaitTarget)
    }

    /// Waits until there may be a message.
    /// - Returns: `false` when the sender has finished and everything was taken.
    /// - Throws: ``NaruError/Code/deadlineExceeded``, ``NaruError/Code/cancelled``, or why the link closed, once
    ///   nothing is left of what was handed over.
    @usableFromInline
    func wait(_ deadline: Deadline) async throws -> Bool {
        var spell = begin(WaitingExecutor.style, deadline)
        while true {
            let style = WaitingExecutor.style
            switch try step(style, &spell) {
            case .look: return pause(spell)
            case .finished: return false
            case .spin:
                if WaitingExecutor.shouldStopSpinning { spell.stop() }
            case .sleep(let target):
                defer { lane.disarm() }
                try await link.sleep(link.inbound, target, style: style, deadline: deadline, "receive")
                return pause(spell)
            case .linger(let target):
                defer { lane.disarm() }
                let until = Swift.min(deadline, transit.deadline)
                do {
                    try await link.sleep(link.inbound, target, style: style, deadline: until, "receive")
                } catch {
                    guard error.code == .deadlineExceeded, !deadline.isPast else { throw error }
                }
                return pause(spell)
            }
        }
    }

    /// As ``wait(_:)``, blocking the calling thread.
    @usableFromInline
    func waitBlocking(_ deadline: Deadline) throws -> Bool {
        var spell = begin(.thread, deadline)
        while true {
            switch try step(.thread, &spell) {
            case .look: return pause(spell)
            case .finished: return false
            case .spin: continue
            case .sleep(let target):
                defer { lane.disarm() }
                try link.block(lane, target, deadline: deadline)
                return pause(spell)
            case .linger(let target):
                defer { lane.disarm() }
                do {
                    try link.block(lane, target, deadline: Swift.min(deadline, transit.deadline))
                } catch {
                    guard error.code == .deadlineExceeded, !deadline.isPast else { throw error }
                }
                return pause(spell)
            }
        }
    }

    /// Begins a wait; goes on with the last where that brought nothing.
    // Copied out and back: a change in place would be checked for exclusive access at run time.
    private func begin(_ style: WaitStyle, _ deadline: Deadline) -> WaitSpell {
        let last = lastSpell
        lastSpell = nil
        if let last, last.taken == taken { return last.spell }
        var patience = patience
        if let last { patience.end(last.spell) }
        self.patience = patience
        return patience.begin(style, deadline: deadline)
    }

    /// A wait that ends because there may be a message. Whether it did is known with the next.
    private func pause(_ spell: WaitSpell) -> Bool {
        lastSpell = (spell, taken)
        return true
    }

    /// Spins for messages; arms the lane when it has spun enough.
    private func step(_ style: WaitStyle, _ spell: inout WaitSpell) throws -> Step {
        if isFinished { return .finished }
        if link.isClosed {
            // One look more: what was handed over before the link closed is there by now.
            if hasLookedAfterClose { return try stepAfterClose(style) }
            hasLookedAfterClose = true
            return .look
        }
        if !spell.isOver {
            let goesOn = spell.goesOn(after: lane.spin(WaitSpell.rounds))
            return goesOn && spell.foundNothing ? .spin : .look
        }
        link.counters.add(.receiveWaits, 1)
        link.inbound.prepare()
        let target = try arm(style)
        guard link.isClosed else { return .sleep(target) }
        lane.disarm()
        return .spin
    }

    /// How long a lane over a network may bring nothing, after its link closed, before it counts as empty.
    private static let transitTime = Duration.seconds(2)

    /// The link is closed and nothing more is there. Over a network the news of the peer's end may overtake what it
    /// handed over: then the lane's own end decides, or that nothing has come for a while.
    private func stepAfterClose(_ style: WaitStyle) throws -> Step {
        guard lane.arrivesLate, link.closeReason?.leavesDataBehind == true else { throw closedError() }
        // A large message comes in parts.
        let progress = taken &+ UInt64(truncatingIfNeeded: assembler.byteCount)
        if transit.progress != progress || transit.deadline == .never {
            transit = (progress, .after(Self.transitTime))
        } else if transit.deadline.isPast {
            throw closedError()
        }
        link.inbound.prepare()
        let target = try arm(style)
        if target.isBlocking { return .linger(target) }
        lane.disarm()
        if case .ended = target { throw closedError() }
        return .look
    }

    private func arm(_ style: WaitStyle) throws(NaruError) -> WaitTarget {
        do {
            return try lane.arm(style)
        } catch {
            throw laneFailed(error)
        }
    }
}
