// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// How others than the sender write what is pending. They try the gate and never wait in it.
extension StreamOutbox {
    /// Sees to it that the reactor looks after what is pending, once for each gather. Inside the gate.
    func setTimer() {
        guard timer == nil, !isWatching else { return }
        setTimer(at: Deadline(nanoseconds: MonotonicClock.nanoseconds() + deadlineNanoseconds))
    }

    private func setTimer(at deadline: Deadline) {
        timer = reactor?.schedule(at: deadline) { self.flushFromReactor() }
    }

    /// Writes what is pending for a thread of this process that waits for messages on the same link.
    func flushForWaiter() {
        guard gate.tryEnter() else { return }
        defer { gate.flusherLeaves() }
        // While the kernel is known to be full, the reactor hears when it no longer is.
        guard failure == nil, pending > 0, !isAwaited, !isBlocked || reactor == nil else { return }
        try? writePending()
        if pending > 0 { setTimer() }
    }

    /// The deadline of a gather has come, or the kernel takes more again. On the reactor's thread.
    private func flushFromReactor() {
        guard let reactor else { return }
        guard gate.tryEnter() else {
            // The sender is in the lane: it writes itself when the buffer is full or its batch ends. Look again, less
            // and less often, should it stay there. `timer` still says that somebody will.
            patience = min(max(patience * 2, deadlineNanoseconds, 10_000), 20_000_000)
            _ = reactor.schedule(at: Deadline(nanoseconds: MonotonicClock.nanoseconds() + patience)) {
                self.flushFromReactor()
            }
            return
        }
        defer { gate.flusherLeaves() }
        patience = 0
        timer = nil
        isWatching = false
        guard failure == nil, pending > 0, !isAwaited else { return }
        if !isBlocked {
            // The gather that the timer was set for may have gone, and a younger one lie here.
            let due = gatherBegin + deadlineNanoseconds
            if MonotonicClock.nanoseconds() < due { return setTimer(at: Deadline(nanoseconds: due)) }
        }
        // An error is kept and thrown by the sender's next call.
        try? writePending()
        if pending > 0 { watchWritability(reactor) }
    }

    /// Has the reactor call when the kernel takes more.
    private func watchWritability(_ reactor: Reactor) {
        do throws(SystemError) {
            if let watch {
                try reactor.rearm(watch.registration, events: .writable)
            } else {
                // A descriptor of its own, because the lane's may be registered by one who waits.
                let own = try end.descriptor.duplicate()
                let registration = try reactor.add(own, events: .writable, oneShot: true) { _ in
                    self.flushFromReactor()
                }
                watch = (registration, own)
            }
            isWatching = true
        } catch {
            // No descriptor left: look again later instead.
            setTimer(at: Deadline(nanoseconds: MonotonicClock.nanoseconds() + 1_000_000))
        }
    }

    /// Ends the reactor's part. Inside the gate; a turn that is under way finds the failure and does nothing.
    func stopFlusher() {
        guard let reactor else { return }
        if let timer { reactor.cancel(timer) }
        if let watch {
            reactor.remove(watch.registration)
            watch.descriptor.close()
        }
        timer = nil
        watch = nil
        isWatching = false
    }
}
