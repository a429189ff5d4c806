// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
public import NaruSystem
internal import Synchronization

/// The two mapped memories of one slot, as one end holds them. ``RingSlotLayout`` draws them.
///
/// The memories stay mapped as long as a value, or a lane that uses it, exists.
public struct RingSlotMemory: Sendable {
    /// The slot's size, bytes.
    public let byteCount: Int
    private let data: Mapping
    private let control: Mapping
    /// What lives as long as the memories are mapped: a share of a budget.
    private let lease: (any AnyObject & Sendable)?

    /// Takes new, zeroed memories that this end made, or such as a peer sent, whose sizes are checked either way.
    /// - Throws: ``NaruError/Code/protocolViolation`` when a size is not what the layout says.
    public init(
        slotBytes: Int, data: Mapping, control: Mapping, lease: (any AnyObject & Sendable)? = nil
    ) throws(NaruError) {
        guard RingSlotLayout.isValid(slotBytes: slotBytes),
            data.byteCount == RingSlotLayout.dataByteCount(slotBytes: slotBytes),
            control.byteCount == RingSlotLayout.controlByteCount
        else {
            throw NaruError(
                .protocolViolation, operation: "open", object: "slot",
                reason: "the memories have \(data.byteCount) and \(control.byteCount) bytes")
        }
        byteCount = slotBytes
        self.data = data
        self.control = control
        self.lease = lease
    }

    /// Where a record begins; ``byteCount`` bytes from there on lie in the memory, as its size was checked.
    var base: UnsafeMutableRawPointer { unsafe data.base + RingSlotLayout.recordOffset }

    /// The use that the reader was done with last.
    var released: UnsafePointer<Atomic<UInt64>> {
        // Inside the size that was checked, and aligned.
        unsafe UnsafePointer(
            (control.base + RingSlotLayout.releasedOffset).assumingMemoryBound(to: Atomic<UInt64>.self))
    }
}
