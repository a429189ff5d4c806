// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Synchronization
import Testing

@testable import NaruRing

/// A ring with slots beside it, whose offers a test answers.
final class SlotPair {
    let memory: RingMemory
    let outbound: RingOutboundLane
    let inbound: RingInboundLane
    let shelf = RingSlotShelf()
    let successors = RingSuccessors()
    let growth: RingGrowth?
    let source: RingSlotSource
    /// Rung by the reader for the writer.
    let writerBell = CountingBell()

    private final class Box: Sendable {
        let slots = Mutex<[(number: UInt64, memory: RingSlotMemory)]>([])
        let rings = Mutex<[(number: UInt64, memory: RingMemory)]>([])
        let isOutOfMemory = Mutex(false)
        let requests = Mutex(0)
    }
    private let box = Box()

    init(ringBytes: Int = 4096, maximumRingBytes: Int? = nil) throws {
        let box = box
        source = RingSlotSource { slotBytes, number throws(NaruError) in
            box.requests.withLock { $0 += 1 }
            guard !box.isOutOfMemory.withLock({ $0 }), let memory = try? makeSlotMemory(slotBytes) else {
                throw NaruError(.resourceExhausted, operation: "offer", object: "slot", reason: "no memory")
            }
            box.slots.withLock { $0.append((number, memory)) }
            return memory
        }
        growth = maximumRingBytes.map {
            RingGrowth(maximumRingBytes: $0) { ringBytes, number throws(NaruError) in
                guard let memory = try? makeRingMemory(ringBytes: ringBytes) else {
                    throw NaruError(.resourceExhausted, operation: "offer", object: "ring", reason: "no memory")
                }
                box.rings.withLock { $0.append((number, memory)) }
                return memory
            }
        }
        memory = try makeRingMemory(ringBytes: ringBytes)
        outbound = RingOutboundLane(
            memory, name: "test", peerBell: CountingBell(), growth: growth, slots: source)
        inbound = RingInboundLane(
            memory, name: "test", peerBell: writerBell, successors: successors, shelf: shelf)
    }

    var offered: [(number: UInt64, memory: RingSlotMemory)] { box.slots.withLock { $0 } }
    var offeredRings: [(number: UInt64, memory: RingMemory)] { box.rings.withLock { $0 } }
    var requests: Int { box.requests.withLock { $0 } }
    func set(outOfMemory: Bool) { box.isOutOfMemory.withLock { $0 = outOfMemory } }

    /// Answers the last offer of a slot as a reader that has mapped it.
    func accept() throws {
        let last = try #require(offered.last)
        try shelf.admit(last.number, slotBytes: last.memory.byteCount)
        #expect(shelf.keep(last.number, last.memory))
        source.answered(last.number, accepted: true)
    }

    func acceptRing() throws {
        let last = try #require(offeredRings.last)
        #expect(try successors.keep(last.memory, last.number))
        growth?.answered(last.number, accepted: true)
    }

    /// A slot for records of `byteCount` bytes is there.
    func open(_ byteCount: Int) throws {
        outbound.expect(byteCount)
        try accept()
        #expect(outbound.maximumRecordBytes >= byteCount)
    }

    /// Sends records until there is no room, accepting what is offered meanwhile; returns how many went.
    func fill(_ record: [UInt8]) throws -> Int {
        var count = 0
        var accepted = offered.count
        while true {
            if try outbound.trySend(record) {
                count += 1
            } else if offered.count > accepted {
                try accept()
                accepted = offered.count
            } else {
                return count
            }
        }
    }
}

func makeSlotMemory(_ slotBytes: Int) throws -> RingSlotMemory {
    try RingSlotMemory(
        slotBytes: slotBytes,
        data: try Mapping(sharedAnonymousByteCount: RingSlotLayout.dataByteCount(slotBytes: slotBytes)),
        control: try Mapping(sharedAnonymousByteCount: RingSlotLayout.controlByteCount))
}

/// Bytes that tell whether they came whole and in order: cheap to make, a mark at each page.
func large(_ seed: UInt8, _ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: seed, count: count)
    for page in stride(from: 0, to: count, by: 4096) { bytes[page] = UInt8(truncatingIfNeeded: page >> 12) &+ seed }
    if count > 0 { bytes[count - 1] = ~seed }
    return bytes
}
