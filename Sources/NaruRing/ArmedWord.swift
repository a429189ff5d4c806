// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruSystem
public import Synchronization

/// A word in shared memory by which one end says that it is about to sleep, and beside it the core that the end runs
/// on.
///
/// The one who sleeps arms the word and then looks again for what it waits for; the other end does what is waited for
/// and then looks at the word. A sequentially consistent fence stands between the two steps of either end, so that at
/// least one of them sees what the other did, and no wake-up is lost. With anything weaker each could read before its
/// own store is visible, and both would miss. A fence, and not a sequentially consistent store of what is waited for:
/// that one would hold up the core until the reader's cache gives the line away, where a fence after a plain release
/// lets the stores of one line go out together.
///
/// An end that mostly spins takes the fence off the other, which acts with every message, by *covering* for it: before
/// it sleeps it arms, stops covering, and imposes a fence on both (``ProcessFence``). Wherever that fence falls among
/// what the other end does: what was shown before it is seen by the look that follows, and whoever shows something
/// after it sees the word armed, and no cover any more. So the other end may read the cover as late or as early as it
/// likes, and covering begins with a plain store.
///
/// The core's number is a hint: an end that finds its own core there does not spin, because the other end could not
/// run meanwhile. It is stored when it changes, whenever its end waits or wakes the other.
@safe
public struct ArmedWord {
    /// Nobody waits.
    static let idle: UInt32 = 0
    /// A thread sleeps on the word.
    static let thread: UInt32 = 1
    /// A task waits for its bell.
    static let task: UInt32 = 2

    // Points into a mapping that the lane holding this word keeps mapped.
    private let word: UnsafePointer<Atomic<UInt32>>

    /// The armed word at this place; behind it lies the word of the core. Both stay mapped as long as this is used.
    public init(_ word: UnsafePointer<Atomic<UInt32>>) {
        unsafe self.word = word
    }

    /// The core that the word's end runs on, plus 1; 0 while it is not known. The word behind the armed one.
    private var core: UnsafePointer<Atomic<UInt32>> {
        unsafe word + 1
    }

    /// 1 while the word's end covers for the other.
    private var cover: UnsafePointer<Atomic<UInt32>> { unsafe word + 2 }

    /// 1 when the process of the word's end can have fences imposed on it.
    private var registration: UnsafePointer<Atomic<UInt32>> { unsafe word + 3 }

    /// Says that this end's process can have fences imposed on it. Relaxed: it was so before, and stays so.
    func announceRegistration() { unsafe registration.pointee.store(1, ordering: .relaxed) }

    /// Whether the word's end says so.
    var isRegistered: Bool { unsafe registration.pointee.load(ordering: .relaxed) == 1 }

    /// Whether the word's end covers for the other.
    @inline(__always)
    var covers: Bool { unsafe cover.pointee.load(ordering: .relaxed) != 0 }

    /// Begins to cover for the other end, whose process is registered.
    func beginCover() { unsafe cover.pointee.store(1, ordering: .relaxed) }

    /// Stops covering, after arming: both are visible to what the other end does behind the fence that falls here, and
    /// what it did before is visible to the look that follows.
    func endCover() {
        unsafe cover.pointee.store(0, ordering: .relaxed)
        // It was tried before this end began to cover.
        _ = ProcessFence.imposeOnAll()
    }

    /// Whether the word's end was last known to run on this core. `core` is plus 1.
    public func isOn(_ core: UInt32) -> Bool {
        unsafe self.core.pointee.load(ordering: .relaxed) == core
    }

    /// Says that the word's own end runs on `core`, plus 1. Relaxed: a hint. Stored only when it changes, because the
    /// other end reads the line with every message.
    public func publish(_ core: UInt32) {
        if unsafe self.core.pointee.load(ordering: .relaxed) != core {
            unsafe self.core.pointee.store(core, ordering: .relaxed)
        }
    }

    /// Says that this end is about to sleep, and returns what it will sleep on. Look again afterwards.
    public func arm(_ style: WaitStyle) -> WaitTarget {
        switch style {
        case .thread:
            unsafe word.pointee.store(Self.thread, ordering: .sequentiallyConsistent)
            Processor.fence()
            return unsafe .word(word, value: Self.thread)
        case .task:
            unsafe word.pointee.store(Self.task, ordering: .sequentiallyConsistent)
            Processor.fence()
            return .bell
        }
    }

    /// Says that this end is awake. Relaxed: at worst the other end wakes it once more.
    public func disarm() {
        unsafe word.pointee.store(Self.idle, ordering: .relaxed)
    }

    /// Whether the end seems to sleep, without a fence: a hint, for who will look again with ``isArmed``; or all there
    /// is to ask, where a lock that both ends take orders what is waited for, and the arming before the look.
    @inline(__always)
    public var seemsArmed: Bool {
        unsafe word.pointee.load(ordering: .relaxed) != Self.idle
    }

    /// Whether the end may sleep; to be asked after a release store of what it waits for. Fences in between, unless the
    /// end covers for this one, see above.
    @inline(__always)
    public var isArmed: Bool {
        Processor.compilerFence()
        if !covers { Processor.fence() }
        return unsafe word.pointee.load(ordering: .relaxed) != Self.idle
    }

    /// Wakes the other end. A value that means nothing is its own fault, and wakes nobody.
    @inline(never)
    public func wake(_ bell: any Bell) {
        // An exchange, not a store: the sleeper may have armed anew in another style since it was looked at.
        switch unsafe word.pointee.exchange(Self.idle, ordering: .sequentiallyConsistent) {
        case Self.thread: _ = unsafe Futex.wake(UnsafeRawPointer(word))
        case Self.task: bell.ring()
        default: break
        }
    }
}
