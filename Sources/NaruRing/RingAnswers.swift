// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import Synchronization

/// What the other end said to offers of memory, one after the other. Answers are written on the reactor's thread and
/// read by the lane, which makes the offers.
final class RingAnswers: Sendable {
    enum Answer { case none, accepted, declined }

    /// The number of the last offer, of the last that was accepted, and of the last declined.
    private let offered = Atomic<UInt64>(0)
    private let accepted = Atomic<UInt64>(0)
    private let declined = Atomic<UInt64>(0)

    /// An offer is about to be made.
    func expect(_ number: UInt64) {
        // Release: pairs with the acquire in `keep`, whose answer follows the offer.
        offered.store(number, ordering: .releasing)
    }

    /// Keeps the answer to an offer.
    /// - Returns: Whether it answers the last offer, once: any other is ignored.
    func keep(_ number: UInt64, accepted isAccepted: Bool) -> Bool {
        guard number == offered.load(ordering: .acquiring), case .none = answer(to: number) else { return false }
        // Release: whoever sees the number also sees that the reader has mapped the memory.
        if isAccepted {
            accepted.store(number, ordering: .releasing)
        } else {
            declined.store(number, ordering: .releasing)
        }
        return true
    }

    /// The answer to the last offer, whose number this is.
    func answer(to number: UInt64) -> Answer {
        if accepted.load(ordering: .acquiring) == number { return .accepted }
        return declined.load(ordering: .acquiring) == number ? .declined : .none
    }
}
