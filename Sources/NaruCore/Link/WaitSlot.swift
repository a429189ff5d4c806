// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// Where the one waiter of a lane sleeps: a task or a thread, never both, at most one at a time.
///
/// A wake-up that comes while nobody sleeps is kept as a permit until ``prepare()``, so that nothing is lost between
/// arming the lane and falling asleep:
///
///     slot.prepare() → lane.arm() → look at the link's closed flag → sleep
///
/// Whoever changes something (the peer by its bell, the reactor by a descriptor, the monitor by a death) does it before
/// it calls ``wake()``; the waiter looks again after it woke. Wake-ups may be spurious.
final class WaitSlot: Sendable {
    /// How a sleep ended.
    enum Outcome: Sendable {
        case woken, timedOut, cancelled
    }

    // Unchecked, for the pointer: it is used under the slot's lock only, while its owner sleeps on it.
    @safe private enum Sleeper: @unchecked Sendable {
        case none
        case task(UnsafeContinuation<Outcome, Never>)
        case word(UnsafePointer<Atomic<UInt32>>)
        case descriptor(EventCounter)
        case reception(Descriptor)
    }

    /// A descriptor the reactor watches for this slot.
    private struct Watch {
        var descriptor: Descriptor
        var registration: Reactor.Registration
    }

    private struct State {
        var permit = false
        var sleeper = Sleeper.none
        var interrupt: EventCounter?
        var watch: Watch?
        /// The number of the latest suspension, and how it is to end where that is known before it falls asleep.
        var suspension: UInt64 = 0
        var ending: Outcome?
        /// Until when the lane's end waits to be explained, once it was met.
        var endGrace: Deadline?
    }

    // The pointer in `Sleeper.word` is used only under this lock, while its owner sleeps on it, so it is valid.
    private let state = Mutex(State())

    /// Forgets an earlier wake-up. Call before arming.
    func prepare() {
        state.withLock { $0.permit = false }
    }

    /// Until when the lane's end waits to be explained: `grace` after the first call.
    func endGrace(_ grace: Duration) -> Deadline {
        state.withLock { state in
            let until = state.endGrace ?? .after(grace)
            state.endGrace = until
            return until
        }
    }

    /// Wakes the sleeper, or leaves a permit. Safe from any thread.
    /// - Parameter forGood: Nothing will be waited for again. Only this ends a sleep in a socket: nothing else that
    ///   wakes a slot brings what is waited for there.
    func wake(forGood: Bool = false) {
        let continuation: UnsafeContinuation<Outcome, Never>? = unsafe state.withLock { state in
            state.permit = true
            switch state.sleeper {
            case .none:
                return nil
            case .task(let continuation):
                state.sleeper = .none
                return unsafe continuation
            case .word(let word):
                // The sleeper's word lives while it is registered here. Sequentially consistent, like the arming store,
                // so that the kernel's comparison in futex(2) sees either this zero or a sleeper to wake.
                unsafe word.pointee.store(0, ordering: .sequentiallyConsistent)
                _ = unsafe Futex.wake(UnsafeRawPointer(word))
                return nil
            case .descriptor(let counter):
                counter.signal()
                return nil
            case .reception(let descriptor):
                if forGood { descriptor.shutdownRead() }
                return nil
            }
        }
        unsafe continuation?.resume(returning: .woken)
    }

    /// Ends one suspension, by its number, as timed out or cancelled; a later one is not touched.
    private func end(_ suspension: UInt64, _ outcome: Outcome) {
        let continuation: UnsafeContinuation<Outcome, Never>? = unsafe state.withLock { state in
            guard state.suspension == suspension else { return nil }
            guard case .task(let continuation) = state.sleeper else {
                // Not asleep yet: it will not fall asleep.
                if state.ending != .cancelled { state.ending = outcome }
                return nil
            }
            state.sleeper = .none
            return unsafe continuation
        }
        unsafe continuation?.resume(returning: outcome)
    }

    /// Suspends the calling task until woken, the deadline, or cancellation.
    func suspend(deadline: Deadline, reactor: Reactor) async -> Outcome {
        let suspension = state.withLock { state in
            state.suspension &+= 1
            state.ending = nil
            return state.suspension
        }
        let timer =
            deadline == .never ? nil : reactor.schedule(at: deadline) { self.end(suspension, .timedOut) }
        defer { if let timer { reactor.cancel(timer) } }
        return await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation { (continuation: UnsafeContinuation<Outcome, Never>) in
                let immediate: Outcome? = state.withLock { state in
                    if let ending = state.ending { return ending }
                    if state.permit { return .woken }
                    state.sleeper = unsafe .task(continuation)
                    return nil
                }
                if let immediate { unsafe continuation.resume(returning: immediate) }
            }
        } onCancel: {
            end(suspension, .cancelled)
        }
    }

    /// Suspends the calling task until the descriptor is ready, or as ``suspend(deadline:reactor:)``.
    func suspend(
        on descriptor: Descriptor, _ events: PollEvents, deadline: Deadline, reactor: Reactor
    ) async throws(SystemError) -> Outcome {
        let known = state.withLock { $0.watch }
        if let known = known, known.descriptor === descriptor {
            try reactor.rearm(known.registration, events: events)
        } else {
            if let known = known { reactor.remove(known.registration) }
            let registration = try Self.watch(descriptor, events, reactor: reactor) { [weak self] in self?.wake() }
            state.withLock {
                $0.watch = Watch(descriptor: descriptor, registration: registration)
            }
        }
        return await suspend(deadline: deadline, reactor: reactor)
    }

    /// Registers a descriptor once; a duplicate of it where the other direction's slot has registered it already,
    /// because epoll takes each descriptor once.
    private static func watch(
        _ descriptor: Descriptor, _ events: PollEvents, reactor: Reactor, _ wake: @escaping @Sendable () -> Void
    ) throws(SystemError) -> Reactor.Registration {
        do {
            return try reactor.add(descriptor, events: events, oneShot: true) { _ in wake() }
        } catch {
            guard error.errno == SystemErrno.exists else { throw error }
            return try reactor.add(try descriptor.duplicate(), events: events, oneShot: true) { _ in wake() }
        }
    }

    /// Blocks the calling thread until what an armed lane waits for may have come, or the deadline.
    func block(on target: WaitTarget, deadline: Deadline) throws(SystemError) -> Outcome {
        switch target.polled {
        case .ready, .ended, .reception: .woken
        case .bell: try block(deadline: deadline)
        case .word(let word, let value): unsafe try block(on: word, value: value, deadline: deadline)
        case .descriptor(let descriptor, let events): try block(on: descriptor, events, deadline: deadline)
        case .pause(let pause):
            Self.afterPause(try block(deadline: min(deadline, .after(pause))), deadline)
        }
    }

    /// Blocks the calling thread in `sleep`, which receives from the socket, until something came or the slot is woken
    /// for good. Where `sleep` answers that it cannot, polls the socket.
    func block(in descriptor: Descriptor, _ sleep: () -> Bool) throws(SystemError) -> Outcome {
        let early = state.withLock { state in
            if state.permit { return true }
            state.sleeper = .reception(descriptor)
            return false
        }
        if early { return .woken }
        let hasSlept = sleep()
        state.withLock { $0.sleeper = .none }
        return hasSlept ? .woken : try block(on: descriptor, .readable, deadline: .never)
    }

    /// Suspends the calling task for a pause, or as ``suspend(deadline:reactor:)``.
    func suspend(for pause: Duration, deadline: Deadline, reactor: Reactor) async -> Outcome {
        Self.afterPause(await suspend(deadline: min(deadline, .after(pause)), reactor: reactor), deadline)
    }

    /// The end of a pause is a reason to look, not the deadline.
    private static func afterPause(_ outcome: Outcome, _ deadline: Deadline) -> Outcome {
        outcome == .timedOut && !deadline.isPast ? .woken : outcome
    }

    /// Blocks the calling thread on a futex word until woken or the deadline.
    private func block(
        on word: UnsafePointer<Atomic<UInt32>>, value: UInt32, deadline: Deadline
    ) throws(SystemError) -> Outcome {
        let early = state.withLock { state in
            if state.permit { return true }
            unsafe state.sleeper = .word(word)
            return false
        }
        if early { return .woken }
        defer { state.withLock { $0.sleeper = .none } }
        let result = unsafe try Futex.wait(UnsafeRawPointer(word), while: value, deadline: deadline)
        return result == .timedOut ? .timedOut : .woken
    }

    /// Blocks the calling thread until the descriptor is ready, woken or the deadline.
    private func block(on descriptor: Descriptor, _ events: PollEvents, deadline: Deadline) throws(SystemError)
        -> Outcome
    {
        let counter = try interruptCounter()
        let early = state.withLock { state in
            if state.permit { return true }
            state.sleeper = .descriptor(counter)
            return false
        }
        if early { return .woken }
        defer { state.withLock { $0.sleeper = .none } }
        let (ready, interrupted) = try Descriptor.pollAny(
            descriptor, events, counter.descriptor, .readable, deadline: deadline)
        // A signal that came too late for this wait ends the next one early, and is read then.
        if !interrupted.isEmpty { counter.drain() }
        return ready.isEmpty && interrupted.isEmpty ? .timedOut : .woken
    }

    /// Blocks the calling thread until woken or the deadline, with nothing else to look at. Costs no descriptor.
    func block(deadline: Deadline) throws(SystemError) -> Outcome {
        // Big enough and aligned; nobody uses the word once block(on:) has returned.
        unsafe try withUnsafeTemporaryAllocation(
            byteCount: MemoryLayout<UInt32>.size, alignment: MemoryLayout<UInt32>.alignment
        ) { memory throws(SystemError) in
            let word = unsafe memory.bindMemory(to: Atomic<UInt32>.self)
            guard let word = word.baseAddress else { return .woken }
            unsafe word.initialize(to: Atomic(1))
            defer { unsafe word.deinitialize(count: 1) }
            return unsafe try block(on: word, value: 1, deadline: deadline)
        }
    }

    /// Made when a thread first blocks on a descriptor, so that links that never do cost none.
    private func interruptCounter() throws(SystemError) -> EventCounter {
        if let counter = state.withLock({ $0.interrupt }) { return counter }
        let counter = try EventCounter()
        state.withLock { $0.interrupt = counter }
        return counter
    }

    /// Ends the reactor's watch. The waiter's own end calls this, when it closes.
    func retire(reactor: Reactor) {
        let watch = state.withLock { state in
            defer { state.watch = nil }
            return state.watch
        }
        if let watch = watch { reactor.remove(watch.registration) }
        wake()
    }
}
