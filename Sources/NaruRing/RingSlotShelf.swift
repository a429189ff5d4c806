// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import Synchronization

/// The slots that a reader has mapped. Filled on the reactor's thread, looked up by the lane.
public final class RingSlotShelf: Sendable {
    private struct State {
        var slots: [RingShelvedSlot] = []
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Nothing was offered yet.
    public init() {}

    /// Whether a slot may be mapped in addition to those there are, so that a peer cannot make this end map more than
    /// the layout says. To be asked before it is mapped.
    /// - Throws: ``NaruCore/NaruError/Code/protocolViolation`` for a size that no slot has, a number that does not
    ///   follow the last, or more slots of one size than a writer makes: so their count and their bytes are bounded.
    public func admit(_ number: UInt64, slotBytes: Int) throws(NaruError) {
        let problem: String? = state.withLock { state in
            if !RingSlotLayout.isValid(slotBytes: slotBytes) { return "a slot of \(slotBytes) bytes" }
            if let last = state.slots.last, number <= last.number { return "a slot with number \(number) again" }
            let sameSize = state.slots.count { $0.memory.byteCount == slotBytes }
            if sameSize >= RingSlotLayout.slotCount(slotBytes: slotBytes) {
                return "more than \(sameSize) slots of \(slotBytes) bytes"
            }
            return nil
        }
        guard let problem else { return }
        throw NaruError(
            .protocolViolation, operation: "receive", object: "slot", reason: "the peer offers \(problem)")
    }

    /// Keeps a slot that was admitted; `false` when the lane has closed.
    public func keep(_ number: UInt64, _ memory: RingSlotMemory) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            state.slots.append(RingShelvedSlot(number: number, memory: memory))
            return true
        }
    }

    /// All slots that can be referred to by now.
    var all: [RingShelvedSlot] { state.withLock { $0.slots } }

    /// The lane has closed.
    func close() {
        state.withLock { state in
            state.slots = []
            state.isClosed = true
        }
    }
}

/// A slot, as its reader keeps it.
@safe
struct RingShelvedSlot: Sendable {
    let number: UInt64
    let memory: RingSlotMemory

    /// Says that what the slot held with this use was read. Release: after the last load of it.
    func release(_ use: UInt64) {
        unsafe memory.released.pointee.store(use, ordering: .releasing)
    }
}
