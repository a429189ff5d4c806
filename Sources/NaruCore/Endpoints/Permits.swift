// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// A number of permits that processes share: whoever acquires one keeps the others out until it is released. With one
/// permit, a lock.
///
/// Permits are acquired and released by one process, through this object. Where ``releasesOnDeath`` is true the kernel
/// releases those of a process that dies, however it does. Safe to use from several tasks and threads; tasks of one
/// process are served in the order in which they came. In a forked child everything throws ``NaruError/Code/forked``.
public final class Permits: Sendable {
    let end: SemaphoreEnd

    init(_ end: SemaphoreEnd) {
        self.end = end
    }

    deinit { end.close() }

    /// The name by which other processes find them; `nil` where they have none.
    public var name: String? { end.name }
    /// How many permits there are.
    public var count: Int { end.terms.count }
    /// Which mechanism it is and why.
    public var decision: Decision { end.decision }
    /// Whether the permits of a process that dies are released.
    public var releasesOnDeath: Bool { end.record.releasesOnDeath ?? false }
    /// How many this object has acquired and not released.
    public var held: Int { end.held }
    /// What to hand to another process for ``Runtime/permits(adopting:)``, where they have no name. It stays open as
    /// long as this object.
    public var descriptor: Descriptor? { end.semaphore.descriptor }
    /// How many tasks wait at this moment through this object.
    public var waiting: Int { end.waiting }
    /// The forms that block, for threads of the program's own.
    public var blocking: BlockingPermits { BlockingPermits(end) }

    /// Acquires permits, all at once; suspends the task until there are enough.
    ///
    /// - Parameters:
    ///   - count: how many, at most ``count``.
    ///   - deadline: until when to wait.
    /// - Throws: ``NaruError/Code/deadlineExceeded`` and ``NaruError/Code/cancelled``, and then none were acquired;
    ///   ``NaruError/Code/removed`` when somebody removed the semaphore, ``NaruError/Code/closed``,
    ///   ``NaruError/Code/unsupported`` for several where the mechanism gives one at a time.
    public func acquire(_ count: Int = 1, deadline: Deadline = .never) async throws(NaruError) {
        try await end.take(count, "acquire", deadline: deadline)
    }

    /// Acquires permits if there are enough and nobody of this process waits for them; never waits.
    public func tryAcquire(_ count: Int = 1) throws(NaruError) -> Bool {
        try end.takeNow(count, "acquire")
    }

    /// Releases permits that were acquired through this object.
    /// - Throws: ``NaruError/Code/invalidArgument`` for more than are held, ``NaruError/Code/closed``,
    ///   ``NaruError/Code/removed``.
    public func release(_ count: Int = 1) throws(NaruError) {
        try end.giveBack(count, "release")
    }

    /// Runs `body` while it holds a permit, and releases it whether `body` returns or throws.
    ///
    /// What a semaphore that was removed meanwhile protected is not known to have been protected to the end; then the
    /// result is dropped and ``NaruError/Code/removed`` is thrown.
    public func withPermit<Value>(
        deadline: Deadline = .never, _ body: () async throws -> Value
    ) async throws -> Value {
        try await acquire(deadline: deadline)
        let value: Value
        do {
            value = try await body()
        } catch {
            try? release()
            throw error
        }
        try release()
        return value
    }

    /// How many nobody holds at this moment.
    public func available() throws(NaruError) -> Int { try end.value("look at") }

    /// Releases what this object holds and lets go of the semaphore, which goes with its last user. Whoever waits
    /// throws ``NaruError/Code/closed``. Idempotent.
    public func close() { end.close() }
}

/// The blocking forms of ``Permits``. Never call them from a task.
public struct BlockingPermits: Sendable {
    private let end: SemaphoreEnd

    init(_ end: SemaphoreEnd) {
        self.end = end
    }

    /// As ``Permits/acquire(_:deadline:)``; blocks the calling thread. Threads come before tasks that wait.
    public func acquire(_ count: Int = 1, deadline: Deadline = .never) throws(NaruError) {
        try end.takeBlocking(count, "acquire", deadline: deadline)
    }
}
