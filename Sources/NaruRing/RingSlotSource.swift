// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore

/// Where a writer's slots come from: each is made and offered to the reader while the traffic goes on, and used once
/// the reader has mapped it.
public final class RingSlotSource: Sendable {
    /// Makes a slot of so many bytes, with this number, and offers it to the reader.
    private let offer: @Sendable (_ slotBytes: Int, _ number: UInt64) throws(NaruError) -> RingSlotMemory
    private let answers = RingAnswers()

    /// - Parameter offer: Makes a slot and offers it; throws when there is no memory for it.
    public init(
        offer: @escaping @Sendable (_ slotBytes: Int, _ number: UInt64) throws(NaruError) -> RingSlotMemory
    ) {
        self.offer = offer
    }

    /// The reader's answer to an offer. On the reactor's thread.
    /// - Returns: Whether it answers the last offer, once: any other answer is ignored.
    @discardableResult
    public func answered(_ number: UInt64, accepted: Bool) -> Bool {
        answers.keep(number, accepted: accepted)
    }

    func answer(to number: UInt64) -> RingAnswers.Answer { answers.answer(to: number) }

    func make(_ slotBytes: Int, _ number: UInt64) -> RingSlotMemory? {
        answers.expect(number)
        return try? offer(slotBytes, number)
    }
}
