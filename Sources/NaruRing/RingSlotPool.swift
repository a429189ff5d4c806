// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import Synchronization

/// A writer's slots: which there are, which are free, and when to make another. Used by the lane's one user.
///
/// What is free is decided by what this object knows: a slot that is out is free again only when its word holds the use
/// that it was sent with. Among free slots of the smallest size that suffices, the one that was used longest ago is
/// taken: of the one used last, much is still in the caches of the reader's core, and would have to be taken back from
/// there.
@safe
final class RingSlotPool {
    private struct Slot {
        let number: UInt64
        let memory: RingSlotMemory
        /// Its last use; 0: none yet.
        var use: UInt64 = 0
    }

    private let source: RingSlotSource
    private var slots: [Slot] = []
    private var offered: (number: UInt64, memory: RingSlotMemory)?
    private var offers: UInt64 = 0
    private var uses: UInt64 = 0
    /// How many wishes for another slot to let pass, after memory was refused.
    private var abstinence = 0

    /// How many wishes pass before memory is asked for again after it was refused.
    private static let pause = 64

    /// The size of the largest slot that can be used, bytes; 0 while there is none.
    private(set) var largest = 0

    init(_ source: RingSlotSource) {
        self.source = source
    }

    // MARK: Taking

    /// A free slot for a record of `byteCount` bytes, by its index; `nil` when there is none, and then another may be
    /// on its way. It stays free until ``refer(_:_:_:)``: the lane takes one at a time.
    func find(_ byteCount: Int) -> Int? {
        if let index = best(byteCount) { return index }
        _ = prepare(byteCount)
        return nil
    }

    /// Whether there is a free slot for a record of `byteCount` bytes.
    func hasFree(_ byteCount: Int) -> Bool { best(byteCount) != nil }

    private func best(_ byteCount: Int) -> Int? {
        settle()
        var best: Int?
        for index in slots.indices where slots[index].memory.byteCount >= byteCount && isFree(slots[index]) {
            guard let other = best else {
                best = index
                continue
            }
            let size = slots[index].memory.byteCount
            let bestSize = slots[other].memory.byteCount
            if size < bestSize || size == bestSize && slots[index].use < slots[other].use { best = index }
        }
        return best
    }

    private func isFree(_ slot: Slot) -> Bool {
        // Sequentially consistent: it orders after an arming before it, and acquires the reader's last loads of what
        // the slot held.
        unsafe slot.memory.released.pointee.load(ordering: .sequentiallyConsistent) == slot.use
    }

    /// The memory of a slot.
    func memory(_ index: Int) -> UnsafeMutableRawPointer { unsafe slots[index].memory.base }

    /// The slot goes to the reader: what the ring says of it.
    func refer(_ index: Int, _ header: RecordHeader, _ recordBytes: Int) -> RingSlotReference {
        uses += 1
        slots[index].use = uses
        return RingSlotReference(slot: slots[index].number, use: uses, header: header, recordBytes: recordBytes)
    }

    // MARK: Making

    /// Makes and offers a slot for records of `byteCount` bytes where another may help.
    /// - Returns: Whether there are slots for such records, or one is on its way.
    func prepare(_ byteCount: Int) -> Bool {
        settle()
        guard let size = RingSlotLayout.slotBytes(holding: byteCount) else { return false }
        let hasSome = largest >= byteCount
        if let offered { return hasSome || offered.memory.byteCount >= byteCount }
        let count = slots.count { $0.memory.byteCount == size }
        guard count < RingSlotLayout.slotCount(slotBytes: size) else { return true }
        guard abstinence == 0 else {
            abstinence -= 1
            return hasSome
        }
        offers += 1
        guard let memory = source.make(size, offers) else {
            abstinence = Self.pause
            return hasSome
        }
        offered = (offers, memory)
        return true
    }

    /// Takes note of the reader's answer.
    func settle() {
        guard let offer = offered else { return }
        switch source.answer(to: offer.number) {
        case .none: return
        case .accepted:
            slots.append(Slot(number: offer.number, memory: offer.memory))
            largest = max(largest, offer.memory.byteCount)
        case .declined:
            abstinence = Self.pause
        }
        offered = nil
    }

    /// Lets go of all memory.
    func close() {
        slots = []
        offered = nil
    }
}
