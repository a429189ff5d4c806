// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// Runs what may block on threads of its own, away from Swift's.
enum Worker {
    /// Runs `body` on a thread and suspends until it returned.
    /// - Throws: what `body` throws; a complaint when it does not return in time: it is then left behind, blocked.
    static func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<R, any Error>) in
            do {
                _ = try SystemThread(name: "naru-kit-watch") {
                    continuation.resume(with: Result { try supervise(body) })
                }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    /// Runs both at once, the first on the calling thread, and returns when both have.
    static func together(
        _ first: () throws -> Void, _ second: @escaping @Sendable () throws -> Void
    ) throws {
        let other = try Running(second)
        let result = Result { try first() }
        let otherResult = other.join()
        // The second's complaint is the cause where the first only waited in vain for it.
        try otherResult.get()
        try result.get()
    }

    private static func supervise<R: Sendable>(_ body: @escaping @Sendable () throws -> R) throws -> R {
        let done = try EventCounter()
        let running = try Running {
            defer { done.signal() }
            return try body()
        }
        if try done.descriptor.poll(.readable, deadline: .after(Limit.line)).isEmpty {
            throw Complaint("did not return within \(Limit.line): it blocks")
        }
        return try running.join().get()
    }
}

/// A thread with a result.
private final class Running<R: Sendable>: Sendable {
    private let thread: SystemThread
    private let result: Box

    private final class Box: Sendable {
        let value = Mutex<Result<R, any Error>?>(nil)
    }

    init(_ body: @escaping @Sendable () throws -> R) throws {
        let result = Box()
        self.result = result
        thread = try SystemThread(name: "naru-kit") {
            let value = Result { try body() }
            result.value.withLock { $0 = value }
        }
    }

    /// Blocks until the thread has ended.
    func join() -> Result<R, any Error> {
        thread.join()
        return result.value.withLock { $0 } ?? .failure(Complaint("a thread ended without a result"))
    }
}

/// Hands a value that is not `Sendable` to another thread or task.
///
/// `@unchecked Sendable`: whoever puts the value in leaves it alone while others have it, one at a time; each line of
/// the kit waits for one user's end before the next begins.
final class Handoff<Value>: @unchecked Sendable {
    private let lock = Mutex(())
    private var value: Value?

    init(_ value: Value) {
        self.value = value
    }

    /// Puts a value in.
    func put(_ value: Value) {
        lock.withLock { _ in self.value = value }
    }

    /// The value, for one user after the other.
    func borrow() throws -> Value {
        let borrowed = lock.withLock { _ in
            // One user at a time: see the type's note.
            nonisolated(unsafe) let borrowed = value
            return unsafe borrowed
        }
        guard let borrowed else { throw Complaint("the kit took a value that is gone") }
        return borrowed
    }

    /// The value, once.
    func take() throws -> Value {
        let taken = lock.withLock { _ in
            // The one reference leaves the box under the lock.
            nonisolated(unsafe) let taken = value
            value = nil
            return unsafe taken
        }
        guard let taken else { throw Complaint("the kit took a value twice") }
        return taken
    }
}
