// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem
public import Synchronization

/// How the one who waits for a lane will sleep.
public enum WaitStyle: Sendable {
    /// A thread of the user's own blocks.
    case thread
    /// A task suspends; the peer, or the reactor, must wake it.
    case task
}

/// What a waiter waits for, as an armed lane says.
///
/// Waiting is the core's business and stands in one place; a lane only arms and says where to look. Wake-ups carry no
/// data and may be spurious.
@safe public enum WaitTarget {
    /// There is something already.
    case ready
    /// There will never be anything again: the other end's lane is gone and everything it handed over was given.
    case ended
    /// Sleep on this futex word while it holds `value`. To wake the sleeper from this process: store zero, then wake.
    /// Only for ``WaitStyle/thread``. The word lives until the lane is disarmed.
    case word(UnsafePointer<Atomic<UInt32>>, value: UInt32)
    /// The peer rings this end's ``Bell``. Only for ``WaitStyle/task``.
    case bell
    /// Poll this descriptor for these events.
    case descriptor(Descriptor, PollEvents)
    /// As polling this socket for ``NaruSystem/PollEvents/readable``; but a thread may also sleep in
    /// ``InboundLane/sleep()``, which takes less time to wake. When the link closes meanwhile, the socket's receiving
    /// side is shut down. Only for ``WaitStyle/thread``.
    case reception(Descriptor)
    /// Look again after this time: the medium has nothing that wakes a waiter.
    case pause(Duration)
}

extension WaitTarget {
    /// The same for a waiter who polls every descriptor.
    public var polled: WaitTarget {
        if case .reception(let descriptor) = self { .descriptor(descriptor, .readable) } else { self }
    }

    /// Whether somebody has to wait for it.
    var isBlocking: Bool {
        switch self {
        case .ready, .ended: false
        case .word, .bell, .descriptor, .reception, .pause: true
        }
    }
}

/// What a lane found while it spun.
@frozen public enum SpinOutcome: Sendable {
    /// Something changed: try again.
    case found
    /// Nothing yet.
    case nothing
    /// Spinning cannot help, because the other end waits for the very core that this end spins on: sleep.
    case pointless
}

/// Wakes whoever waits at one end of a link. Spurious rings are allowed, lost ones are not.
public protocol Bell: Sendable {
    /// Rings; never blocks, never fails: a peer that is gone needs no waking.
    func ring()
}
