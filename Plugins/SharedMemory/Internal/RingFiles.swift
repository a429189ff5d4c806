// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruRing
internal import NaruSystem

/// The two memory files of one ring, while they pass from the writer to the reader.
///
///     data      header page and ring; sealed against shrinking, growing, new writable maps and further sealing: only
///               the map that the writer made before can write
///     control   cursors and armed words; sealed against shrinking, growing and further sealing; both ends write
struct RingFiles {
    static let dataSeals: MemoryFile.Seals = [.shrink, .grow, .futureWrite, .seal]
    static let controlSeals: MemoryFile.Seals = [.shrink, .grow, .seal]

    var data: Descriptor
    var control: Descriptor

    /// Makes a ring: its files, wholly allocated and sealed, and the writer's maps of them.
    static func create(_ header: RingHeader) throws(NaruError) -> (files: RingFiles, memory: RingMemory) {
        do {
            let dataBytes = RingLayout.dataByteCount(ringBytes: header.ringBytes)
            let controlBytes = RingLayout.controlByteCount
            try checkRoom(for: dataBytes + controlBytes)
            let files = RingFiles(
                data: try MemoryFile.create(name: "naru-ring", byteCount: dataBytes),
                control: try MemoryFile.create(name: "naru-ring-control", byteCount: controlBytes))
            // Mapped first: the seal lets no writable map be made afterwards.
            let memory = RingMemory(
                preparing: header,
                data: try Mapping(files.data, byteCount: dataBytes, access: .readWrite, prefault: true),
                control: try Mapping(files.control, byteCount: controlBytes, access: .readWrite, prefault: true))
            try MemoryFile.seal(files.data, dataSeals)
            try MemoryFile.seal(files.control, controlSeals)
            return (files, memory)
        } catch let error as SystemError {
            throw NaruError(error, operation: "open", object: TransportName.sharedMemory.rawValue)
        } catch {
            throw error as! NaruError
        }
    }

    /// Refuses a ring that would take more than a quarter of the memory left: where a control group limits memory,
    /// exceeding it is a kill and not an error.
    private static func checkRoom(for byteCount: Int) throws(NaruError) {
        guard let room = MemoryRoom.take(byteCount, share: 4) else { return }
        throw NaruError(
            .resourceExhausted, operation: "open", object: TransportName.sharedMemory.rawValue,
            reason: "a ring of \(byteCount) bytes is more than a quarter of the \(room) bytes of shared memory left",
            remedy: "enlarge /dev/shm, raise the memory limit of the control group, or close links")
    }

    /// Checks files that a peer passed, and maps them for the reader.
    /// - Parameters:
    ///   - header: What the peer says that the ring is.
    ///   - owner: The peer's user, who must own the files.
    /// - Throws: `NaruError.Code.protocolViolation` when a file is not what it must be.
    func map(expecting header: RingHeader, owner: UInt32) throws(NaruError) -> RingMemory {
        let dataBytes = RingLayout.dataByteCount(ringBytes: header.ringBytes)
        let controlBytes = RingLayout.controlByteCount
        try Self.check("data", data, dataBytes, Self.dataSeals, owner)
        try Self.check("control", control, controlBytes, Self.controlSeals, owner)
        let mappings: (data: Mapping, control: Mapping)
        do throws(SystemError) {
            mappings = (
                try Mapping(data, byteCount: dataBytes, access: .readOnly, prefault: true),
                try Mapping(control, byteCount: controlBytes, access: .readWrite, prefault: true)
            )
        } catch {
            throw NaruError(error, operation: "open", object: TransportName.sharedMemory.rawValue)
        }
        return try RingMemory(checking: header, data: mappings.data, control: mappings.control)
    }

    private static func check(
        _ name: String, _ file: Descriptor, _ byteCount: Int, _ seals: MemoryFile.Seals, _ owner: UInt32
    ) throws(NaruError) {
        guard let problem = problem(file, byteCount, seals, owner) else { return }
        throw NaruError(
            .protocolViolation, operation: "open", object: TransportName.sharedMemory.rawValue,
            reason: "the \(name) descriptor \(problem)")
    }

    private static func problem(
        _ file: Descriptor, _ byteCount: Int, _ seals: MemoryFile.Seals, _ owner: UInt32
    ) -> String? {
        // More seals than those asked for take nothing from this end; a kernel may add its own.
        guard let present = try? MemoryFile.seals(of: file), let status = try? file.status() else {
            return "is no memory file"
        }
        if !present.isSuperset(of: seals) { return "is not sealed" }
        if status.byteCount != byteCount { return "has \(status.byteCount) bytes, not \(byteCount)" }
        if status.userID != owner { return "belongs to user \(status.userID), not to the peer's user \(owner)" }
        return nil
    }
}
