// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Glibc
import Synchronization

/// What happened, in order, from any thread; and a way to wait until enough did.
final class Log<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])
    private let signals: Semaphore = Semaphore()

    func append(_ element: Element) {
        elements.withLock { $0.append(element) }
        signals.post()
    }

    /// Blocks until `count` elements were appended since the last wait.
    func wait(count: Int = 1) {
        for _ in 0..<count { signals.wait() }
    }

    var all: [Element] { elements.withLock { $0 } }

    func take() -> [Element] {
        elements.withLock { elements in
            defer { elements = [] }
            return elements
        }
    }
}

/// A counting semaphore of this process.
// Safe: the memory is initialised once and lives as long as the object.
@safe
final class Semaphore: Sendable {
    // Sendable: a constant address, and the calls on it are safe from any thread.
    nonisolated(unsafe) private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        unsafe semaphore = .allocate(capacity: 1)
        unsafe semaphore.initialize(to: sem_t())
        _ = unsafe sem_init(semaphore, 0, 0)
    }

    deinit {
        _ = unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    func post() { _ = unsafe sem_post(semaphore) }

    func wait() {
        while unsafe sem_wait(semaphore) != 0 {}
    }
}
