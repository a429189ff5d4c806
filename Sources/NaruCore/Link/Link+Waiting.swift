// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

extension Link {
    /// Suspends the calling task until what an armed lane waits for may have come. Where the lane was armed for a
    /// thread, the task runs on a ``WaitingExecutor``, whose thread blocks in its stead.
    /// - Throws: ``NaruError/Code/deadlineExceeded``, ``NaruError/Code/cancelled``, or what the kernel refused.
    func sleep(
        _ slot: WaitSlot, _ target: WaitTarget, style: WaitStyle = .task, deadline: Deadline, _ operation: String
    ) async throws(NaruError) {
        let outcome: WaitSlot.Outcome
        do {
            if style == .thread, let executor = WaitingExecutor.current, target.isBlocking {
                outcome = try await executor.wait(in: slot) { () throws(SystemError) in
                    try slot.block(on: target, deadline: deadline)
                }
                return try check(outcome, operation)
            }
            switch target.polled {
            case .ready, .reception: return
            case .ended: return try await awaitEnd(slot, deadline: deadline, operation)
            case .bell, .word: outcome = await slot.suspend(deadline: deadline, reactor: reactor)
            case .descriptor(let descriptor, let events):
                outcome = try await slot.suspend(on: descriptor, events, deadline: deadline, reactor: reactor)
            case .pause(let pause):
                outcome = await slot.suspend(for: pause, deadline: deadline, reactor: reactor)
            }
        } catch let error as SystemError {
            throw NaruError(error, operation: operation, object: name)
        } catch {
            throw error as! NaruError
        }
        try check(outcome, operation)
    }

    /// Blocks the calling thread until what an armed lane waits for may have come.
    /// - Throws: ``NaruError/Code/deadlineExceeded``, or what the kernel refused.
    func block(_ slot: WaitSlot, _ target: WaitTarget, deadline: Deadline, _ operation: String) throws(NaruError) {
        let outcome: WaitSlot.Outcome
        do {
            switch target {
            case .ready: return
            case .ended: return try awaitEndBlocking(slot, deadline: deadline, operation)
            case .bell, .word, .descriptor, .reception, .pause: outcome = try slot.block(on: target, deadline: deadline)
            }
        } catch let error as SystemError {
            throw NaruError(error, operation: operation, object: name)
        } catch {
            throw error as! NaruError
        }
        try check(outcome, operation)
    }

    /// Blocks the calling thread until an armed lane may have something to receive: in the lane, where it can and there
    /// is no deadline.
    func block(_ lane: any InboundLane, _ target: WaitTarget, deadline: Deadline) throws(NaruError) {
        guard case .reception(let descriptor) = target, deadline == .never else {
            return try block(inbound, target, deadline: deadline, "receive")
        }
        do throws(SystemError) {
            _ = try inbound.block(in: descriptor) { lane.sleep() }
        } catch {
            throw NaruError(error, operation: "receive", object: name)
        }
    }

    /// How long a lane's end waits for the monitor to say why, before the peer counts as vanished. It counts from when
    /// the end was first met, so that many short waits are as good as a long one.
    static let endGrace = Duration.milliseconds(200)

    /// The lane ended; the monitor is about to say why. A deadline that comes first leaves the link as it is.
    private func awaitEnd(_ slot: WaitSlot, deadline: Deadline, _ operation: String) async throws(NaruError) {
        let grace = slot.endGrace(Self.endGrace)
        while !isClosed {
            let outcome = await slot.suspend(deadline: nextLook(deadline, grace), reactor: reactor)
            if outcome == .cancelled || (!isClosed && deadline.isPast) { try check(outcome, operation) }
            slot.prepare()
        }
    }

    /// As ``awaitEnd(_:deadline:_:)``, blocking the calling thread.
    private func awaitEndBlocking(_ slot: WaitSlot, deadline: Deadline, _ operation: String) throws {
        let grace = slot.endGrace(Self.endGrace)
        while !isClosed {
            let outcome = try slot.block(deadline: nextLook(deadline, grace))
            if !isClosed, deadline.isPast { try check(outcome, operation) }
            slot.prepare()
        }
    }

    /// Until when to wait for the monitor's word. Once the grace is over, the reactor reads what the peer has said and
    /// then closes the link in any case.
    private func nextLook(_ deadline: Deadline, _ grace: Deadline) -> Deadline {
        guard grace.isPast else { return min(deadline, grace) }
        reactor.perform { self.closeUnexplained() }
        return deadline
    }

    private func check(_ outcome: WaitSlot.Outcome, _ operation: String) throws(NaruError) {
        switch outcome {
        case .woken: return
        case .timedOut:
            throw NaruError(.deadlineExceeded, operation: operation, object: name, reason: "the deadline passed")
        case .cancelled:
            throw NaruError(.cancelled, operation: operation, object: name, reason: "the task was cancelled")
        }
    }
}
