// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruSystem
public import Synchronization

/// A word in shared memory by which one end says that it is about to sleep, and beside it the core that the end runs on.
///
/// The one who sleeps arms the word and then looks again for what it waits for; the other end does what is waited for
/// and then looks at the word. A sequentially consistent fence stands between the two steps of either end, so that at
/// least one of them sees what the other did, and no wake-up is lost. With anything weaker each could read before its
/// own store is visible, and both would miss. A fence, and not a sequentially consistent store of what is waited for:
/// that one would hold up the core until the reader's cache gives the line away, where a fence after a plain release
/// lets the stores of one line go out together.
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

    /// Whether the word's end was last known to run on this core. `core` is plus 1.
    func isOn(_ core: UInt32) -> Bool {
        unsafe self.core.pointee.load(ordering: .relaxed) == core
    }

    /// Says that the word's own end runs on `core`, plus 1. Relaxed: a hint. Stored only when it changes, because the
    /// other end reads the line with every message.
    func publish(_ core: UInt32) {
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

    /// Whether the end seems to sleep: a hint, for who will look again with ``isArmed``.
    @inline(__always)
    var seemsArmed: Bool {
        unsafe word.pointee.load(ordering: .relaxed) != Self.idle
    }

    /// Whether the end may sleep; to be asked after a release store of what it waits for. Fences in between, see above.
    @inline(__always)
    public var isArmed: Bool {
        Processor.fence()
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
