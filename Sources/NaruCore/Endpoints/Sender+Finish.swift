// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// How far the messages of a link got.
public enum Delivery: Sendable, Hashable {
    /// The receiver's closure returned for every one of them.
    case taken
    /// They are where they survive this host's processes.
    case stored
    /// They are in shared memory or the kernel and survive this process.
    case handedOver
}

extension Sender {
    /// Returns when everything accepted is handed over: in shared memory or the kernel, where it survives this process
    /// as far as the transport's record says.
    /// - Throws: ``NaruError/Code/deadlineExceeded``, ``NaruError/Code/cancelled``, or why the link closed.
    public func flush(deadline: Deadline = .never) async throws(NaruError) {
        while try !flushed() { try await sleep(byteCount: 0, deadline: deadline) }
    }

    func flushBlocking(deadline: Deadline) throws(NaruError) {
        while try !flushed() { try block(byteCount: 0, deadline: deadline) }
    }

    /// Says that nothing more will come, and returns when the receiver has taken everything.
    ///
    /// Afterwards the sender is finished and only ``close()`` is left.
    /// - Returns: how far the messages got: ``Delivery/taken`` on every negotiated link; where the link is attached
    ///   to its medium, the weaker level that the medium gives, once everything is there.
    /// - Throws: why the link closed first; the reason then says how many messages the receiver is not known to have
    ///   taken. ``NaruError/Code/deadlineExceeded`` and ``NaruError/Code/cancelled`` may be followed by another call.
    @discardableResult
    public func finish(deadline: Deadline = .never) async throws(NaruError) -> Delivery {
        while try !sentFinish() { try await sleep(byteCount: 8, deadline: deadline) }
        if let delivery = link.attachedDelivery {
            if phase == .finishing { try await flush(deadline: deadline) }
            enter(.finished)
            return delivery
        }
        while try !isAnswered() {
            do {
                if let limit = try answerLimit(deadline) {
                    try await link.sleep(link.answer, .bell, deadline: limit, "finish")
                } else {
                    try await sleep(byteCount: 0, deadline: deadline)
                }
            } catch {
                // It may have closed because the receiver has taken everything: its answer decides.
                guard link.isClosed || isGrace(error, deadline) else { throw error }
            }
        }
        enter(.finished)
        return .taken
    }

    func finishBlocking(deadline: Deadline) throws(NaruError) -> Delivery {
        while try !sentFinish() { try block(byteCount: 8, deadline: deadline) }
        if let delivery = link.attachedDelivery {
            if phase == .finishing { try flushBlocking(deadline: deadline) }
            enter(.finished)
            return delivery
        }
        while try !isAnswered() {
            do {
                if let limit = try answerLimit(deadline) {
                    try link.block(link.answer, .bell, deadline: limit, "finish")
                } else {
                    try block(byteCount: 0, deadline: deadline)
                }
            } catch {
                // It may have closed because the receiver has taken everything: its answer decides.
                guard link.isClosed || isGrace(error, deadline) else { throw error }
            }
        }
        enter(.finished)
        return .taken
    }

    private func flushed() throws(NaruError) -> Bool {
        if link.isClosed { throw closedError("flush") }
        return try attempt { () throws(NaruError) in try lane.flush() }
    }

    /// Until when the answer is waited for; `nil` while the finish record is not handed over.
    private func answerLimit(_ deadline: Deadline) throws(NaruError) -> Deadline? {
        do throws(NaruError) {
            return try lane.flush() ? deadline : nil
        } catch {
            // The receiver's lane is gone. It may have taken everything, and then its answer is on its way.
            let grace = link.answer.endGrace(Link.endGrace)
            if link.isClosed || grace.isPast { throw laneFailed(error) }
            return min(deadline, grace)
        }
    }

    /// Whether only the time for a last answer is over.
    private func isGrace(_ error: NaruError, _ deadline: Deadline) -> Bool {
        error.code == .deadlineExceeded && !deadline.isPast
    }

    /// Puts the finish record on the lane, once.
    private func sentFinish() throws(NaruError) -> Bool {
        if link.isForked { throw link.forked("finish") }
        switch phase {
        case .finishing, .finished: return true
        case .closed: throw closedError("finish")
        case .open: break
        }
        if link.isClosed { throw unconfirmed() }
        try begin(0)
        guard try payAbort() else { return false }
        let count = [accepted.littleEndian]
        do {
            guard unsafe try lane.trySend(RecordHeader(kind: .finish), RawSpan(), count.span.bytes) else {
                return false
            }
        } catch {
            throw laneFailed(error)
        }
        enter(.finishing)
        return true
    }

    private func isAnswered() throws(NaruError) -> Bool {
        link.answer.prepare()
        let closed = link.isClosed
        if let took = link.peerTook {
            guard took == accepted else {
                if !closed { link.counters.add(.violations, 1) }
                link.close(.protocolViolation("it says it took \(took) of \(accepted) messages"))
                throw unconfirmed()
            }
            return true
        }
        if closed { throw unconfirmed() }
        return false
    }

    /// The link closed before the receiver said that it took everything.
    private func unconfirmed() -> NaruError {
        let cause = closedError("finish")
        // What the peer says it took may be any number.
        let taken = min(link.peerTook ?? 0, accepted)
        let error = NaruError(
            cause.code, operation: "finish", object: link.name,
            reason: "\(cause.reason); of \(accepted) messages accepted, \(accepted - taken) are not known to be taken")
        return if let reason = cause.closeReason { error.closing(reason) } else { error }
    }
}
