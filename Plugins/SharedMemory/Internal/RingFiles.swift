// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruRing

/// Makes and maps the memory of rings.
enum RingFiles {
    private static func sizes(_ header: RingHeader) -> MemoryFiles.Sizes {
        MemoryFiles.Sizes(
            data: RingLayout.dataByteCount(ringBytes: header.ringBytes), control: RingLayout.controlByteCount)
    }

    /// Makes a ring: its files, wholly allocated and sealed, and the writer's maps of them.
    /// - Throws: `NaruError.Code.resourceExhausted` when the budget does not permit it, or as ``MemoryFiles``.
    static func create(
        _ header: RingHeader, _ budget: SharedMemoryBudget
    ) throws(NaruError) -> (files: MemoryFiles, memory: RingMemory) {
        let sizes = sizes(header)
        let lease = try budget.take(sizes.data + sizes.control)
        let (files, maps) = try MemoryFiles.create("naru-ring", sizes)
        return (files, RingMemory(preparing: header, data: maps.data, control: maps.control, lease: lease))
    }

    /// Checks the files of a ring that a peer passed, and maps them for the reader.
    /// - Parameters:
    ///   - header: What the peer says that the ring is.
    ///   - owner: The peer's user, who must own the files.
    /// - Throws: `NaruError.Code.protocolViolation` when a file is not what it must be.
    static func map(
        _ files: MemoryFiles, expecting header: RingHeader, owner: UInt32
    ) throws(NaruError) -> RingMemory {
        let maps = try files.map(sizes(header), owner: owner)
        return try RingMemory(checking: header, data: maps.data, control: maps.control)
    }
}
