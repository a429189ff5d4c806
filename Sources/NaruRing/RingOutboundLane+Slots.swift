// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

extension RingOutboundLane {
    /// The most bytes of a record that this ring carries, or one that it grows to: up to there a ring does better.
    var ringsCarry: Int {
        max(recordLimit, growth.map { RingLayout.maximumRecordBytes(ringBytes: $0.source.maximumRingBytes) } ?? 0)
    }

    @inline(never)
    func sendInSlot(_ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan) throws(NaruError) -> Bool {
        let byteCount = prefix.byteCount + bytes.byteCount
        guard let slots, let (start, slot) = try placeInSlot(byteCount, slots) else { return false }
        // The slot has room for both, and the reader is done with it.
        unsafe copy(prefix, bytes, to: slots.memory(slot))
        refer(header, byteCount, slot, at: start, slots)
        return true
    }

    @inline(never)
    func reserveSlot(_ byteCount: Int) throws(NaruError) -> UnsafeMutableRawBufferPointer? {
        guard let slots, let (start, slot) = try placeInSlot(byteCount, slots) else { return nil }
        slotLoan = (start, slot, byteCount)
        limit = head
        edge = head
        return unsafe UnsafeMutableRawBufferPointer(start: slots.memory(slot), count: byteCount)
    }

    @inline(never)
    func commitSlot(_ header: RecordHeader, _ byteCount: Int) throws(NaruError) {
        guard let slotLoan, let slots else { throw failure ?? misuse("commit", "no loan is out") }
        guard byteCount >= 0, byteCount <= slotLoan.byteCount else {
            throw misuse("commit", "the loan has \(slotLoan.byteCount) bytes, not \(byteCount)")
        }
        endSlotLoan()
        if let failure { throw failure }
        refer(header, byteCount, slotLoan.slot, at: slotLoan.start, slots)
    }

    func endSlotLoan() {
        slotLoan = nil
        reopen()
    }

    /// A slot for a record of `byteCount` bytes, and the position of the record that refers to it; `nil` when there is
    /// no room for either.
    private func placeInSlot(
        _ byteCount: Int, _ slots: RingSlotPool
    ) throws(NaruError) -> (start: UInt64, slot: Int)? {
        try check("send", byteCount)
        // The ring is still small: such a record does better in the one that it becomes.
        if byteCount <= ringsCarry { expect(byteCount) }
        guard let start = try place(RingSlotReference.byteCount) else { return nil }
        guard let slot = slots.find(byteCount) else {
            // A held batch makes room by showing what it has.
            publishPending()
            return nil
        }
        return (start, slot)
    }

    /// Makes what lies in a slot a record. It is shown at once, in a batch too: the reader has enough to do with it.
    private func refer(
        _ header: RecordHeader, _ byteCount: Int, _ slot: Int, at start: UInt64, _ slots: RingSlotPool
    ) {
        let reference = slots.refer(slot, header, byteCount)
        let payload = unsafe payload(at: start)
        unsafe payload.storeBytes(of: reference.slot, as: UInt64.self)
        unsafe payload.storeBytes(of: reference.use, toByteOffset: 8, as: UInt64.self)
        unsafe payload.storeBytes(of: reference.word, toByteOffset: 16, as: UInt64.self)
        let size = RingSlotReference.byteCount
        append(RecordHeader(kind: .outOfLine).word(byteCount: size), at: start, stride: RecordRoom.stride(size))
        publishPending()
    }

    /// Whether there is room for a record of `byteCount` bytes, as far as the reader was known to have released.
    func hasRoom(_ byteCount: Int) -> Bool {
        guard byteCount > recordLimit, let slots else { return need(byteCount).total <= room }
        return need(RingSlotReference.byteCount).total <= room && slots.hasFree(byteCount)
    }

    /// Whether what a record of `byteCount` bytes lacks is a slot, and not room in the ring.
    func waitsForSlot(_ byteCount: Int) -> Bool {
        byteCount > recordLimit && slots != nil && need(RingSlotReference.byteCount).total <= room
    }

    @inline(never)
    func spinForSlot(_ rounds: Int, _ byteCount: Int) -> SpinOutcome {
        for _ in 0..<rounds {
            if slots?.hasFree(byteCount) ?? false { return .found }
            Processor.spinHint()
        }
        return .nothing
    }
}
