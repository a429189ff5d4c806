// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// Takes from a semaphore on behalf of tasks: they queue, first come first served, and a thread of the runtime's waits
/// in their stead.
///
/// A semaphore of the kernel has no descriptor to poll, and a wait for it can be interrupted by nothing but a signal,
/// which a library has no right to. Hence the thread waits in slices, after each of which it looks who still waits; it
/// is woken by the kernel at once when there is something. It only waits: what there is is taken under the queue's
/// lock, for a task that is known to want it, and never for one that is gone. It is started by the first task that has
/// to wait, and sleeps without slices while nobody does. Threads of the user's own take slices themselves:
/// ``takeBlocking(_:deadline:)``.
final class TakeQueue: Sendable {
    /// How long the thread may fail to notice that it is no longer wanted.
    static let slice = Duration.milliseconds(50)

    /// A task that waits.
    private final class Waiter: Sendable {
        let count: Int
        let slot = WaitSlot()
        /// Set once, with the waiter's removal from the queue.
        let outcome = Mutex<Result<Void, NaruError>?>(nil)

        init(_ count: Int) { self.count = count }
    }

    private struct State {
        var waiters: [Waiter] = []
        var thread: SystemThread?
        var end: NaruError?
    }

    private let semaphore: any Semaphore
    private let reactor: Reactor
    private let state = Mutex(State())
    /// Where the thread sleeps while nobody waits.
    private let bell = WaitSlot()
    /// Who joins the thread in its shutdown. Weak: a thread that waits keeps no runtime alive.
    private weak let runtime: Runtime?

    init(_ semaphore: any Semaphore, _ runtime: Runtime) {
        self.semaphore = semaphore
        self.runtime = runtime
        reactor = runtime.reactor
    }

    /// Takes what is there, unless others wait for it; never blocks.
    func takeNow(_ count: Int) throws(NaruError) -> Bool {
        let (isContended, end) = state.withLock { (!$0.waiters.isEmpty, $0.end) }
        if let end { throw end }
        return isContended ? false : try semaphore.take(count, deadline: Deadline(nanoseconds: 0))
    }

    /// Takes, suspending the calling task until there is enough.
    /// - Returns: `false` at the deadline.
    /// - Throws: ``NaruError/Code/cancelled``, and then nothing was taken; what the semaphore throws, or the queue was
    ///   ended with.
    func take(_ count: Int, deadline: Deadline) async throws(NaruError) -> Bool {
        if Task.isCancelled { throw Self.cancelled }
        if try takeNow(count) { return true }
        if deadline.isPast { return false }
        let waiter = Waiter(count)
        try enter(waiter)
        while true {
            waiter.slot.prepare()
            if let outcome = waiter.outcome.withLock({ $0 }) { return try Self.taken(outcome) }
            switch await waiter.slot.suspend(deadline: deadline, reactor: reactor) {
            case .woken: continue
            case .timedOut: if leave(waiter) { return false }
            case .cancelled: if leave(waiter) { throw Self.cancelled }
            }
            // It was served at the very moment at which it gave up: then it has what it asked for.
            if let outcome = waiter.outcome.withLock({ $0 }) { return try Self.taken(outcome) }
        }
    }

    /// Takes, blocking the calling thread until there is enough.
    /// - Returns: `false` at the deadline.
    func takeBlocking(_ count: Int, deadline: Deadline) throws(NaruError) -> Bool {
        while true {
            if let end = state.withLock({ $0.end }) { throw end }
            if try semaphore.take(count, deadline: min(deadline, .after(Self.slice))) { return true }
            if deadline.isPast { return false }
        }
    }

    /// How many tasks wait.
    var waiting: Int { state.withLock { $0.waiters.count } }

    /// Whoever waits, or comes later, throws this. Idempotent; waits for nobody.
    func end(_ error: NaruError) {
        let waiters = state.withLock { state in
            if state.end == nil { state.end = error }
            return Self.settle(&state, .failure(error))
        }
        for waiter in waiters { waiter.slot.wake() }
        bell.wake()
    }

    /// Waits until the thread has ended, at most a slice after ``end(_:)``.
    func join() {
        state.withLock { $0.thread }?.join()
    }

    private static let cancelled = NaruError(
        .cancelled, operation: "wait for", object: "semaphore", reason: "the task was cancelled")

    private static func taken(_ outcome: Result<Void, NaruError>) throws(NaruError) -> Bool {
        try outcome.get()
        return true
    }

    /// Empties the queue; to be woken outside the lock.
    private static func settle(_ state: inout State, _ outcome: Result<Void, NaruError>) -> [Waiter] {
        defer { state.waiters = [] }
        for waiter in state.waiters { waiter.outcome.withLock { $0 = outcome } }
        return state.waiters
    }

    private func enter(_ waiter: Waiter) throws(NaruError) {
        try state.withLock { state throws(NaruError) in
            if let end = state.end { throw end }
            if state.thread == nil { state.thread = try start() }
            state.waiters.append(waiter)
        }
        bell.wake()
    }

    private func start() throws(NaruError) -> SystemThread {
        let id = ObjectIdentifier(self)
        try runtime?.rememberThread(id) { self.join() }
        do {
            return try SystemThread(name: "naru-semaphore") {
                self.serve()
                self.runtime?.forgetThread(id)
            }
        } catch {
            runtime?.forgetThread(id)
            throw NaruError(error, operation: "start", object: "thread")
        }
    }

    /// Whether the waiter still was in the queue; it no longer is.
    private func leave(_ waiter: Waiter) -> Bool {
        state.withLock { state in
            guard let place = state.waiters.firstIndex(where: { $0 === waiter }) else { return false }
            state.waiters.remove(at: place)
            return true
        }
    }

    // MARK: On the thread

    private func serve() {
        while true {
            bell.prepare()
            let (first, isEnded) = state.withLock { ($0.waiters.first, $0.end != nil) }
            if isEnded { break }
            do {
                if let first {
                    if try semaphore.awaitValue(first.count, deadline: .after(Self.slice)) { try serveFirst() }
                } else {
                    _ = try bell.block(deadline: .never)
                }
            } catch let error as NaruError {
                let waiters = state.withLock { Self.settle(&$0, .failure(error)) }
                for waiter in waiters { waiter.slot.wake() }
            } catch {
                // The kernel refuses to let a thread sleep: nobody can be served.
                end(NaruError(.system, operation: "wait for", object: "semaphore", reason: "\(error)"))
            }
        }
    }

    /// Takes for the first in the queue, if it is still there.
    private func serveFirst() throws(NaruError) {
        let served: Waiter? = try state.withLock { state throws(NaruError) in
            guard let first = state.waiters.first,
                try semaphore.take(first.count, deadline: Deadline(nanoseconds: 0))
            else { return nil }
            state.waiters.removeFirst()
            first.outcome.withLock { $0 = .success(()) }
            return first
        }
        served?.slot.wake()
    }
}
