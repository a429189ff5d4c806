// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

/// A word in shared memory by which one end says that it is about to sleep.
///
/// The one who sleeps arms the word and then looks again for what it waits for; the other end does what is waited for
/// and then looks at the word. All four accesses are sequentially consistent: they have one order that both ends agree
/// on, so that at least one of them sees what the other did, and no wake-up is lost. With anything weaker each could
/// read before its own store is visible, and both would miss.
@safe
struct ArmedWord {
    /// Nobody waits.
    static let idle: UInt32 = 0
    /// A thread sleeps on the word.
    static let thread: UInt32 = 1
    /// A task waits for its bell.
    static let task: UInt32 = 2

    // Points into a mapping that the lane holding this word keeps mapped.
    private let word: UnsafePointer<Atomic<UInt32>>

    init(_ word: UnsafePointer<Atomic<UInt32>>) {
        unsafe self.word = word
    }

    /// Says that this end is about to sleep, and returns what it will sleep on.
    func arm(_ style: WaitStyle) -> WaitTarget {
        switch style {
        case .thread:
            unsafe word.pointee.store(Self.thread, ordering: .sequentiallyConsistent)
            return unsafe .word(word, value: Self.thread)
        case .task:
            unsafe word.pointee.store(Self.task, ordering: .sequentiallyConsistent)
            return .bell
        }
    }

    /// Says that this end is awake. Relaxed: at worst the other end wakes it once more.
    func disarm() {
        unsafe word.pointee.store(Self.idle, ordering: .relaxed)
    }

    /// Whether the other end may sleep; to be asked after a sequentially consistent store of what it waits for.
    @inline(__always)
    var isArmed: Bool {
        unsafe word.pointee.load(ordering: .sequentiallyConsistent) != Self.idle
    }

    /// Wakes the other end. A value that means nothing is its own fault, and wakes nobody.
    @inline(never)
    func wake(_ bell: any Bell) {
        // An exchange, not a store: the sleeper may have armed anew in another style since it was looked at.
        switch unsafe word.pointee.exchange(Self.idle, ordering: .sequentiallyConsistent) {
        case Self.thread: _ = unsafe Futex.wake(UnsafeRawPointer(word))
        case Self.task: bell.ring()
        default: break
        }
    }
}
