// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// A task executor whose one thread does the waiting itself.
///
/// A task that waits for a link usually suspends: the peer wakes the reactor's thread, and that hands the task to one
/// of Swift's threads, two hops that cost tens of microseconds. A task on this executor waits like a thread of the
/// program's own: the executor's thread spins and sleeps on the link's word itself and goes on in the task when it
/// wakes.
///
/// ```swift
/// let executor = try naru.makeExecutor()
/// try await withTaskExecutorPreference(executor) {
///     try await receiver.forEach { message in … }
/// }
/// ```
///
/// Any number of tasks may use it, one runs at a time. While one waits and others have something to do, it suspends as
/// usual and lets them: give each busy link an executor of its own.
///
/// The thread belongs to the ``Runtime`` and ends with its shutdown. Jobs that come later go to Swift's own threads.
public final class WaitingExecutor: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        /// Where the thread waits for a link.
        var slot: WaitSlot?
        var isEnding = false
    }

    private let state = Mutex(State())
    /// How many jobs wait, for a look without the lock. Relaxed: whoever needs to be sure takes the lock.
    private let waiting = Atomic(0)
    /// Rung when a job comes while the thread has nothing to do.
    private let arrival: WaitSlot
    private let thread = Mutex<SystemThread?>(nil)

    /// Starts the thread.
    /// - Throws: ``NaruError/Code/resourceExhausted`` or ``NaruError/Code/system`` when there is none to be had.
    init(name: String) throws(NaruError) {
        arrival = WaitSlot()
        do {
            let started = try SystemThread(name: name) { [self] in run() }
            thread.withLock { $0 = started }
        } catch {
            throw NaruError(error, operation: "start", object: "executor")
        }
    }

    /// Takes a job, from any thread.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let slot: WaitSlot? = state.withLock { state in
            if state.isEnding { return nil }
            state.jobs.append(job)
            waiting.add(1, ordering: .relaxed)
            return state.slot ?? arrival
        }
        if let slot { slot.wake() } else { globalConcurrentExecutor.enqueue(job) }
    }

    /// The executor as tasks name it.
    public func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        unsafe UnownedTaskExecutor(ordinary: self)
    }

    // MARK: The thread

    private func run() {
        // The thread's closure keeps the executor alive as long as the thread runs.
        unsafe SystemThread.value = Unmanaged.passUnretained(self).toOpaque()
        defer { unsafe SystemThread.value = nil }
        while true {
            arrival.prepare()
            let (job, isEnding) = state.withLock { state in
                (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.isEnding)
            }
            if let job {
                waiting.subtract(1, ordering: .relaxed)
                unsafe job.runSynchronously(on: asUnownedTaskExecutor())
            } else if isEnding {
                return
            } else {
                // Fails only where the kernel refuses to wait; then it looks again.
                _ = try? arrival.block(deadline: .never)
            }
        }
    }

    /// Ends the thread once it has run what it has, and waits for that.
    func end() {
        state.withLock { $0.isEnding = true }
        arrival.wake()
        thread.withLock { $0 }?.join()
    }

    // MARK: Waiting

    /// The executor whose thread this is.
    static var current: WaitingExecutor? {
        // Set by run() above, for as long as its executor lives.
        unsafe SystemThread.value.map { unsafe Unmanaged<WaitingExecutor>.fromOpaque($0).takeUnretainedValue() }
    }

    /// How a task that runs here waits: as a thread, where it runs on an executor that has nothing else to do.
    static var style: WaitStyle {
        guard let current else { return .task }
        return current.isWanted ? .task : .thread
    }

    /// Whether another job waits for the thread.
    var isWanted: Bool { waiting.load(ordering: .relaxed) > 0 }

    /// Whether a task that spins here should stop: another job waits, or the task was cancelled.
    static var shouldStopSpinning: Bool {
        Task.isCancelled || current?.isWanted ?? false
    }

    /// Blocks the thread in a task's stead, where it waits in `slot`, until `wait` returns; a job that comes, or the
    /// task's cancellation, wakes the slot.
    func wait(
        in slot: WaitSlot, _ wait: () throws(SystemError) -> WaitSlot.Outcome
    ) async throws(SystemError) -> WaitSlot.Outcome {
        let isFree = state.withLock { state in
            guard state.jobs.isEmpty else { return false }
            state.slot = slot
            return true
        }
        guard isFree else { return .woken }
        defer { state.withLock { $0.slot = nil } }
        let result: Result<WaitSlot.Outcome, SystemError> = await withTaskCancellationHandler {
            Result { () throws(SystemError) in try wait() }
        } onCancel: {
            slot.wake()
        }
        return Task.isCancelled ? .cancelled : try result.get()
    }
}

extension Runtime {
    /// Makes an executor with a thread of its own, which ends with the runtime's shutdown.
    /// - Parameter name: of the thread, for tools; the first 15 bytes count.
    /// - Throws: ``NaruError/Code/closed`` after a shutdown; what the kernel refused.
    public func makeExecutor(name: String = "naru-executor") throws(NaruError) -> WaitingExecutor {
        let executor = try WaitingExecutor(name: name)
        do {
            try remember(executor)
        } catch {
            executor.end()
            throw error
        }
        return executor
    }
}
