// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruRing

/// Makes and maps the memory of slots.
enum SlotFiles {
    private static func sizes(_ slotBytes: Int) -> MemoryFiles.Sizes {
        MemoryFiles.Sizes(
            data: RingSlotLayout.dataByteCount(slotBytes: slotBytes), control: RingSlotLayout.controlByteCount)
    }

    /// Makes a slot: its files, wholly allocated and sealed, and the writer's maps of them.
    /// - Throws: `NaruError.Code.resourceExhausted` when the budget does not permit it, or as ``MemoryFiles``.
    static func create(
        slotBytes: Int, _ budget: SharedMemoryBudget
    ) throws(NaruError) -> (files: MemoryFiles, memory: RingSlotMemory) {
        let sizes = sizes(slotBytes)
        let lease = try budget.take(sizes.data + sizes.control)
        let (files, maps) = try MemoryFiles.create("naru-slot", sizes)
        return (files, try RingSlotMemory(slotBytes: slotBytes, data: maps.data, control: maps.control, lease: lease))
    }

    /// Checks the files of a slot that a peer passed, and maps them for the reader.
    /// - Throws: `NaruError.Code.protocolViolation` when a file is not what it must be.
    static func map(_ files: MemoryFiles, slotBytes: Int, owner: UInt32) throws(NaruError) -> RingSlotMemory {
        let maps = try files.map(sizes(slotBytes), owner: owner)
        return try RingSlotMemory(slotBytes: slotBytes, data: maps.data, control: maps.control)
    }
}
