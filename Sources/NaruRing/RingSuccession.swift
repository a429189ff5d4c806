// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import Synchronization

/// How a writer's ring becomes a larger one.
///
/// A larger ring is made and offered to the reader while the traffic goes on in the present one; the reader maps it and
/// answers. Only then does the writer put a `switch` record behind what it has written, with the new ring's number, and
/// go on in the new ring: the reader has it already, and nobody waits. An offer that is declined ends the growth.
public final class RingGrowth: Sendable {
    /// Makes a ring of so many bytes, with this number, and offers it to the reader.
    private let offer: @Sendable (_ ringBytes: Int, _ number: UInt64) throws(NaruError) -> RingMemory
    /// The largest ring, bytes.
    let maximumRingBytes: Int
    private let answers = RingAnswers()

    /// - Parameters:
    ///   - maximumRingBytes: The largest ring to grow to, bytes.
    ///   - offer: Makes a ring and offers it; throws when there is no memory for it.
    public init(
        maximumRingBytes: Int,
        offer: @escaping @Sendable (_ ringBytes: Int, _ number: UInt64) throws(NaruError) -> RingMemory
    ) {
        self.maximumRingBytes = maximumRingBytes
        self.offer = offer
    }

    /// The reader's answer to an offer. On the reactor's thread.
    /// - Returns: whether it answers the last offer, once: any other answer is ignored.
    @discardableResult
    public func answered(_ number: UInt64, accepted: Bool) -> Bool {
        answers.keep(number, accepted: accepted)
    }

    func answer(to number: UInt64) -> RingAnswers.Answer { answers.answer(to: number) }

    func make(_ ringBytes: Int, _ number: UInt64) -> RingMemory? {
        answers.expect(number)
        return try? offer(ringBytes, number)
    }
}

/// The rings that a reader has mapped and not yet come to.
public final class RingSuccessors: Sendable {
    private struct State {
        var waiting: [(number: UInt64, memory: RingMemory)] = []
        /// The size of the largest ring that was kept, bytes.
        var largest = 0
        /// Whether an offer was declined: an honest writer makes no other.
        var isOver = false
        var isClosed = false
    }

    private let state = Mutex(State())

    /// The most that may wait: a writer may switch again before the reader has come to its first switch, but each ring
    /// is larger than all before, so that a link has few of them in its whole life.
    static let limit = 4

    /// Nothing was offered yet.
    public init() {}

    /// Whether a ring of this size may be mapped. To be asked before it is mapped.
    /// - Throws: ``NaruCore/NaruError/Code/protocolViolation`` for one that is not larger than all before, one too
    ///   many, or one after an offer was declined.
    public func admit(ringBytes: Int) throws(NaruError) {
        guard state.withLock({ !$0.isOver && $0.waiting.count < Self.limit && $0.largest < ringBytes }) else {
            throw Self.surplus
        }
    }

    /// Keeps a ring until the reader comes to its `switch` record. On the reactor's thread.
    /// - Returns: `false` when the lane has closed.
    /// - Throws: As ``admit(ringBytes:)``.
    public func keep(_ memory: RingMemory, _ number: UInt64) throws(NaruError) -> Bool {
        try admit(ringBytes: memory.header.ringBytes)
        return state.withLock { state in
            guard !state.isClosed else { return false }
            state.waiting.append((number, memory))
            state.largest = memory.header.ringBytes
            return true
        }
    }

    /// Notes that an offer is declined. On the reactor's thread.
    /// - Throws: ``NaruCore/NaruError/Code/protocolViolation`` when one was before: a peer cannot go on for ever.
    public func decline() throws(NaruError) {
        let isFirst = state.withLock { state in
            defer { state.isOver = true }
            return !state.isOver
        }
        if !isFirst { throw Self.surplus }
    }

    private static let surplus = NaruError(
        .protocolViolation, operation: "receive", object: "ring",
        reason: "the peer offers a ring that is not larger than the last, or one too many")

    /// The ring of this number, once: the first that waits.
    func take(_ number: UInt64) -> RingMemory? {
        state.withLock { state in
            guard let first = state.waiting.first, first.number == number else { return nil }
            return state.waiting.removeFirst().memory
        }
    }

    /// The lane has closed.
    func close() {
        state.withLock { state in
            state.waiting = []
            state.isClosed = true
        }
    }
}
