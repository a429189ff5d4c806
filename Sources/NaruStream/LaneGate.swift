// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

// Safe: the pointer never leaves, and points to what init allocated and deinit frees.
/// Keeps the sender of a lane and those who flush it for the sender apart.
///
/// There is one sender, which may wait a moment, and any number of flushers (the reactor's thread, a thread that waits
/// for messages on the same link), which never wait: they try. So only the sender can be waited for by nobody, and its
/// way out is a plain store. Uncontended, a round costs one compare-and-exchange.
///
///     0 free   1 the sender is in   2 a flusher is in   3 a flusher is in and the sender sleeps
@safe
struct LaneGate: ~Copyable {
    private let word: UnsafeMutablePointer<Atomic<UInt32>>

    init() {
        // Freed in deinit; at a stable address because a futex needs one.
        unsafe word = .allocate(capacity: 1)
        unsafe word.initialize(to: Atomic(0))
    }

    deinit {
        unsafe word.deinitialize(count: 1)
        unsafe word.deallocate()
    }

    // Orderings: whoever comes in acquires what whoever went out has released; that is all that mutual exclusion needs.

    /// The sender comes in. Waits while a flusher is inside, which is at most one call that does not block.
    @inline(__always)
    func enter() {
        if unsafe !word.pointee.compareExchange(expected: 0, desired: 1, ordering: .acquiring).exchanged { wait() }
    }

    /// The sender goes out.
    @inline(__always)
    func leave() {
        unsafe word.pointee.store(0, ordering: .releasing)
    }

    /// A flusher comes in, if nobody is inside.
    func tryEnter() -> Bool {
        unsafe word.pointee.compareExchange(expected: 0, desired: 2, ordering: .acquiring).exchanged
    }

    /// A flusher goes out.
    func flusherLeaves() {
        if unsafe word.pointee.exchange(0, ordering: .releasing) == 3 {
            unsafe _ = Futex.wake(UnsafeRawPointer(word))
        }
    }

    @inline(never)
    private func wait() {
        while true {
            let (entered, found) = unsafe word.pointee.compareExchange(expected: 0, desired: 1, ordering: .acquiring)
            if entered { return }
            if found == 2 {
                // Relaxed: this only announces the sleeper; if the flusher left meanwhile, it fails and we try again.
                let announced = unsafe word.pointee.compareExchange(expected: 2, desired: 3, ordering: .relaxed)
                if !announced.exchanged { continue }
            }
            // A futex wait that fails returns at once; the loop then tries again.
            _ = unsafe try? Futex.wait(UnsafeRawPointer(word), while: 3, deadline: .never)
        }
    }
}
