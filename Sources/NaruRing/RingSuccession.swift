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

    /// The reader's answer to an offer. On the reactor's thread. An answer to another offer than the last is ignored.
    public func answered(_ number: UInt64, accepted isAccepted: Bool) {
        // Release: whoever sees the number also sees that the reader has mapped the ring.
        if isAccepted {
            accepted.store(number, ordering: .releasing)
        } else {
            declined.store(number, ordering: .releasing)
        }
    }

    enum Answer { case none, accepted, declined }

    func answer(to number: UInt64) -> Answer {
        if accepted.load(ordering: .acquiring) == number { return .accepted }
        return declined.load(ordering: .acquiring) == number ? .declined : .none
    }

    func make(_ ringBytes: Int, _ number: UInt64) -> RingMemory? {
        try? offer(ringBytes, number)
    }
}

/// The rings that a reader has mapped and not yet come to.
public final class RingSuccessors: Sendable {
    private let waiting = Mutex<[(number: UInt64, memory: RingMemory)]>([])

    /// The most that may wait: a writer may switch again before the reader has come to its first switch, but each ring
    /// is larger than the one before.
    static let limit = 4

    /// Nothing was offered yet.
    public init() {}

    /// Keeps a ring until the reader comes to its `switch` record. On the reactor's thread.
    /// - Throws: ``NaruCore/NaruError/Code/protocolViolation`` for one that is not larger than the last, or one too many.
    public func keep(_ memory: RingMemory, _ number: UInt64) throws(NaruError) {
        let isKept = waiting.withLock { waiting in
            let isLarger = waiting.last.map { $0.memory.header.ringBytes < memory.header.ringBytes } ?? true
            guard waiting.count < Self.limit, isLarger else { return false }
            waiting.append((number, memory))
            return true
        }
        guard isKept else {
            throw NaruError(
                .protocolViolation, operation: "receive", object: "ring",
                reason: "the peer offers a ring that is not larger than the last, or one too many")
        }
    }

    /// The ring of this number, once: the first that waits.
    func take(_ number: UInt64) -> RingMemory? {
        waiting.withLock { waiting in
            guard let first = waiting.first, first.number == number else { return nil }
            return waiting.removeFirst().memory
        }
    }
}
