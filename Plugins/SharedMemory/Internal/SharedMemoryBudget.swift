// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

/// How much shared memory the rings and slots that one transport makes may take together: a quarter of what is left,
/// counting what they take already as left.
///
/// Where a control group limits memory, exceeding it is a kill and not an error; so memory is asked for here before it
/// is allocated. What a peer makes, and this end only maps, is on the peer's account.
final class SharedMemoryBudget: Sendable {
    /// A share of a budget, given back when nobody holds it any more: it lives as long as the memory is mapped.
    final class Lease: Sendable {
        private let budget: SharedMemoryBudget
        private let byteCount: Int

        fileprivate init(_ budget: SharedMemoryBudget, _ byteCount: Int) {
            self.budget = budget
            self.byteCount = byteCount
        }

        deinit { budget.held.withLock { $0 -= byteCount } }
    }

    private let held = Mutex(0)
    /// Asks whether so many bytes may be taken by who holds so many: `nil`, or what there is.
    private let ask: @Sendable (_ byteCount: Int, _ held: Int) -> UInt64?

    /// A budget of nothing taken.
    init(
        ask: @escaping @Sendable (_ byteCount: Int, _ held: Int) -> UInt64? = {
            MemoryRoom.take($0, share: 4, held: $1)
        }
    ) {
        self.ask = ask
    }

    /// What is taken now, bytes.
    var taken: Int { held.withLock { $0 } }

    /// Takes memory that is about to be allocated.
    /// - Throws: `NaruError.Code.resourceExhausted` when it would exceed the budget.
    func take(_ byteCount: Int) throws(NaruError) -> Lease {
        // Asked under the lock, so that two links together do not exceed what each asked for.
        let room: UInt64? = held.withLock { held in
            if let room = ask(byteCount, held) { return room }
            held += byteCount
            return nil
        }
        guard let room else { return Lease(self, byteCount) }
        throw NaruError(
            .resourceExhausted, operation: "open", object: TransportName.sharedMemory.rawValue,
            reason: "with \(byteCount) bytes more, this process's rings would take more than a quarter of the shared "
                + "memory, of which \(room) bytes are left",
            remedy: "enlarge /dev/shm, raise the memory limit of the control group, or close links")
    }
}
