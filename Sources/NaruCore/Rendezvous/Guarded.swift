// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import Synchronization

/// A value behind a lock, whose parts need not be `Sendable`.
///
/// `@unchecked Sendable`: the value is touched under the lock only. Unlike `Mutex` it does not ask the compiler to
/// prove that nothing inside came from elsewhere: it is for what the reactor's thread makes, keeps and gives away once,
/// such as a plugin's opening and its lanes.
final class Guarded<Value>: @unchecked Sendable {
    private let mutex = Mutex(())
    private var value: Value

    init(_ value: Value) {
        self.value = value
    }

    /// Runs `body` with the value. Never call out from it.
    func withLock<R, E: Error>(_ body: (inout Value) throws(E) -> R) throws(E) -> R {
        mutex._unsafeLock()
        defer { mutex._unsafeUnlock() }
        return try body(&value)
    }
}
