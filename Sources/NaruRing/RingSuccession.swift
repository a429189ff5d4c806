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
    /// The number of the last offer that was accepted, and of the last declined.
    private let accepted = Atomic<UInt64>(0)
    private let declined = Atomic<UInt64>(0)
    /// The number of the last offer that was made.
    private let offered = Atomic<UInt64>(0)

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
    public func answered(_ number: UInt64, accepted isAccepted: Bool) -> Bool {
        // Acquire: pairs with the release before the offer is sent, which the answer follows.
        guard number == offered.load(ordering: .acquiring), case .none = answer(to: number) else { return false }
        // Release: whoever sees the number also sees that the reader has mapped the ring.
        if isAccepted {
            accepted.store(number, ordering: .releasing)
        } else {
            declined.store(number, ordering: .releasing)
        }
        return true
    }

    enum Answer { case none, accepted, declined }

    func answer(to number: UInt64) -> Answer {
        if accepted.load(ordering: .acquiring) == number { return .accepted }
        return declined.load(ordering: .acquiring) == number ? .declined : .none
    }

    func make(_ ringBytes: Int, _ number: UInt64) -> RingMemory? {
        offered.store(number, ordering: .releasing)
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
    }
    private let state = Mutex(State())

    /// The most that may wait: a writer may switch again before the reader has come to its first switch, but each ring
    /// is larger than the one before.
    static let limit = 4

    /// Nothing was offered yet.
    public init() {}

    /// Keeps a ring until the reader comes to its `switch` record. On the reactor's thread.
    /// - Throws: ``NaruCore/NaruError/Code/protocolViolation`` for one that is not larger than the last, one too many,
    ///   or one after an offer was declined.
    public func keep(_ memory: RingMemory, _ number: UInt64) throws(NaruError) {
        let isKept = state.withLock { state in
            guard !state.isOver, state.waiting.count < Self.limit, state.largest < memory.header.ringBytes else {
                return false
            }
            state.waiting.append((number, memory))
            state.largest = memory.header.ringBytes
            return true
        }
        if !isKept { throw Self.surplus }
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
}
