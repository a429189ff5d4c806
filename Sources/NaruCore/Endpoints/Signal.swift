// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// A signal between processes, without payload: posted by one, taken by another, counted in between.
///
/// What was posted stays until it is taken, also when nobody waits, and when the poster dies. Each post is taken once.
/// Safe to use from several tasks and threads; tasks of one process are served in the order in which they came. In a
/// forked child everything throws ``NaruError/Code/forked``.
public final class Signal: Sendable {
    let end: SemaphoreEnd

    init(_ end: SemaphoreEnd) {
        self.end = end
    }

    deinit { end.close() }

    /// The name by which other processes find it; `nil` where it has none.
    public var name: String? { end.name }
    /// Which mechanism it is and why.
    public var decision: Decision { end.decision }
    /// What to hand to another process for ``Runtime/signal(adopting:)``, where it has no name. It stays open as long
    /// as this object.
    public var descriptor: Descriptor? { end.semaphore.descriptor }
    /// How many tasks wait at this moment through this object.
    public var waiting: Int { end.waiting }
    /// The forms that block, for threads of the program's own.
    public var blocking: BlockingSignal { BlockingSignal(end) }

    /// Posts; never waits.
    /// - Throws: ``NaruError/Code/resourceExhausted`` when more are waiting to be taken than the mechanism can count,
    ///   ``NaruError/Code/removed`` when somebody removed the semaphore, ``NaruError/Code/closed``.
    public func post(_ count: Int = 1) throws(NaruError) {
        try end.post(count, "post")
    }

    /// Takes one post; suspends the task until there is one.
    /// - Throws: ``NaruError/Code/deadlineExceeded`` and ``NaruError/Code/cancelled``, and then none was taken;
    ///   ``NaruError/Code/removed``, ``NaruError/Code/closed``.
    public func wait(deadline: Deadline = .never) async throws(NaruError) {
        try await end.take(1, "wait for", deadline: deadline)
    }

    /// Takes a post if there is one and no task of this process waits for it; never waits.
    public func tryWait() throws(NaruError) -> Bool {
        try end.takeNow(1, "wait for")
    }

    /// How many posts nobody has taken at this moment.
    public func pending() throws(NaruError) -> Int { try end.value("look at") }

    /// Lets go of the signal. Where nobody else uses it and nothing is pending, it is removed; otherwise it stays.
    /// Whoever waits throws ``NaruError/Code/closed``. Idempotent.
    public func close() { end.close() }
}

/// The blocking forms of ``Signal``. Never call them from a task.
public struct BlockingSignal: Sendable {
    private let end: SemaphoreEnd

    init(_ end: SemaphoreEnd) {
        self.end = end
    }

    /// As ``Signal/wait(deadline:)``; blocks the calling thread. Threads come before tasks that wait.
    public func wait(deadline: Deadline = .never) throws(NaruError) {
        try end.takeBlocking(1, "wait for", deadline: deadline)
    }
}
