// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import Synchronization

/// What the other end said to offers of memory. Written on the reactor's thread, read by the lane.
final class RingAnswers: Sendable {
    enum Answer { case none, accepted, declined }

    /// The number of the last offer that was accepted, and of the last declined.
    private let accepted = Atomic<UInt64>(0)
    private let declined = Atomic<UInt64>(0)

    /// Keeps the answer to an offer.
    func keep(_ number: UInt64, accepted isAccepted: Bool) {
        // Release: whoever sees the number also sees that the reader has mapped the memory.
        if isAccepted {
            accepted.store(number, ordering: .releasing)
        } else {
            declined.store(number, ordering: .releasing)
        }
    }

    /// The answer to the last offer, whose number this is.
    func answer(to number: UInt64) -> Answer {
        if accepted.load(ordering: .acquiring) == number { return .accepted }
        return declined.load(ordering: .acquiring) == number ? .declined : .none
    }
}
