// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem
internal import Synchronization

/// A fence that one thread imposes on the threads of other processes: `membarrier(2)`.
///
/// Two threads that each store and then look at what the other stored need a fence between the two, each of them. Where
/// one does it often and the other seldom, the seldom one can impose the fence on both: when ``imposeOnAll()`` returns,
/// every running thread of every registered process has carried one out at some point since the call, and one that does
/// not run has, by being taken off its core. The often one then needs only ``Processor/compilerFence()``.
public enum ProcessFence {
    private enum State {
        static let unregistered = 0
        static let underway = 1
        static let registered = 2
        static let refused = 3
    }

    private static let state = Atomic(State.unregistered)

    /// Whether others can impose fences on this process. A forked child of a registered process is registered too.
    // Acquiring: the process was registered before.
    public static var isRegistered: Bool { state.load(ordering: .acquiring) == State.registered }

    /// Begins to register this process, once, and returns at once. The kernel takes some milliseconds, during which a
    /// thread waits for it that then ends by itself.
    public static func register() {
        guard
            state.compareExchange(expected: State.unregistered, desired: State.underway, ordering: .relaxed).exchanged
        else { return }
        do {
            _ = try SystemThread(name: "naru-fence") {
                let isDone = naru_membarrier_register() == 0
                state.store(isDone ? State.registered : State.refused, ordering: .releasing)
            }
        } catch {
            state.store(State.refused, ordering: .relaxed)
        }
    }

    /// Imposes a fence on every thread of every registered process, and on the calling one. `false` where the kernel
    /// has none. Some microseconds where other cores are busy with such threads.
    public static func imposeOnAll() -> Bool { naru_membarrier() == 0 }
}
