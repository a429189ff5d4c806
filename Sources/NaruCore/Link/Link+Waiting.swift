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
            switch target {
            case .ready: return
            case .ended: return try await awaitEnd(slot, deadline: deadline)
            case .bell, .word: outcome = await slot.suspend(deadline: deadline, reactor: reactor)
            case .descriptor(let descriptor, let events):
                outcome = try await slot.suspend(on: descriptor, events, deadline: deadline, reactor: reactor)
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
            case .ended:
                return try awaitEndBlocking(slot, deadline: deadline)
            case .bell, .word, .descriptor: outcome = try slot.block(on: target, deadline: deadline)
            }
        } catch {
            throw NaruError(error, operation: operation, object: name)
        }
        try check(outcome, operation)
    }

    /// How long a lane's end waits for the monitor to say why, before the peer counts as vanished.
    private static let endGrace = Duration.milliseconds(200)

    /// The lane ended; the monitor is about to say why.
    private func awaitEnd(_ slot: WaitSlot, deadline: Deadline) async throws(NaruError) {
        let limit = min(deadline, .after(Self.endGrace))
        while !isClosed, !limit.isPast {
            let outcome = await slot.suspend(deadline: limit, reactor: reactor)
            if outcome == .cancelled { try check(outcome, "wait") }
            slot.prepare()
        }
        closeUnexplained()
    }

    /// As ``awaitEnd(_:deadline:)``, blocking the calling thread.
    private func awaitEndBlocking(_ slot: WaitSlot, deadline: Deadline) throws(SystemError) {
        let limit = min(deadline, .after(Self.endGrace))
        while !isClosed, !limit.isPast {
            _ = try slot.block(deadline: limit)
            slot.prepare()
        }
        closeUnexplained()
    }

    private func closeUnexplained() {
        if !isClosed { close(.peerVanished) }
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
