// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore

extension RingOutboundLane {
    public func expect(_ byteCount: Int) {
        guard failure == nil else { return }
        if byteCount > ringsCarry, let slots, slots.prepare(byteCount) { return }
        guard growth != nil else { return }
        // A ring that holds four such records and their padding, so that one can be written while another is read.
        grow(to: RingLayout.ringBytes(holding: 5 * min(byteCount, RingLayout.maximumRingBytes / 5)))
    }

    /// The ring is full, or the writer came round once more. It grows to half of what it may: the rest is for large
    /// messages.
    func considerGrowth(isFull: Bool) {
        guard var state = growth, ringBytes < state.source.maximumRingBytes / 2 else { return }
        let isDue = isFull ? state.isOftenFull(head) : state.flows(head, ringBytes: ringBytes)
        growth = state
        if isDue { grow(to: min(16 * ringBytes, state.source.maximumRingBytes / 2)) }
    }

    /// Makes a larger ring and offers it, unless one is on its way or the last was declined.
    private func grow(to size: Int) {
        guard var state = growth else { return }
        let size = min(size, state.source.maximumRingBytes)
        guard size > ringBytes, state.offered == nil else { return }
        state.number += 1
        guard let memory = state.source.make(size, state.number) else {
            // No memory for it now, and asking again with every message would cost more than it could bring.
            growth = nil
            return
        }
        state.offered = memory
        growth = state
    }

    /// Goes on in the larger ring once the reader has it: a `switch` record is the last here.
    func switchToSuccessor() -> Bool {
        guard let state = growth, let memory = state.offered, loan == nil else { return false }
        switch state.source.answer(to: state.number) {
        case .none: return false
        case .declined:
            growth = nil
            return false
        case .accepted: break
        }
        let need = need(8)
        guard need.total <= room else { return false }
        let start = head &+ UInt64(need.padding)
        unsafe payload(at: start).storeBytes(of: state.number, as: UInt64.self)
        let isHeld = isHolding
        isHolding = false
        append(RecordHeader(kind: .switch).word(byteCount: 8), at: start, stride: RecordRoom.stride(8))
        isHolding = isHeld
        adopt(memory)
        growth = GrowthState(state.source, number: state.number)
        return true
    }

    /// Everything from here on is in `memory`, from its beginning.
    private func adopt(_ memory: RingMemory) {
        unsafe ring = memory.ring
        unsafe cursor = memory.cursor
        unsafe readerClosed = memory.readerClosed
        unsafe writerClosed = memory.writerClosed
        readerArmed = memory.readerArmed
        writerArmed = memory.writerArmed
        ringBytes = memory.header.ringBytes
        recordLimit = RingLayout.maximumRecordBytes(ringBytes: ringBytes)
        (head, visible, released) = (0, 0, 0)
        limit = UInt64(ringBytes)
        findEdge()
        self.memory = memory
        isRegistered = false
    }
}
