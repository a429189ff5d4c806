// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruRing
internal import NaruSystem

/// Two memory files that belong together, while they pass from the writer to the reader: those of a ring, or of a slot.
///
///     data      what the writer writes; sealed against shrinking, growing, new writable maps and further sealing: only
///               the map that the writer made before can write
///     control   what both ends write; sealed against shrinking, growing and further sealing
struct MemoryFiles {
    static let dataSeals: MemoryFile.Seals = [.shrink, .grow, .futureWrite, .seal]
    static let controlSeals: MemoryFile.Seals = [.shrink, .grow, .seal]

    /// The files' sizes, bytes.
    struct Sizes {
        var data: Int
        var control: Int
    }

    /// The maps of both.
    struct Maps {
        var data: Mapping
        var control: Mapping
    }

    var data: Descriptor
    var control: Descriptor

    /// The two files of a message from the peer.
    /// - Throws: `NaruError.Code.protocolViolation` for another number of descriptors.
    init(_ message: OpeningMessage) throws(NaruError) {
        guard message.descriptors.count == 2 else {
            throw NaruError(
                .protocolViolation, operation: "open", object: TransportName.sharedMemory.rawValue,
                reason: "the peer sent \(message.descriptors.count) descriptors instead of 2")
        }
        data = message.descriptors[0]
        control = message.descriptors[1]
    }

    private init(data: Descriptor, control: Descriptor) {
        self.data = data
        self.control = control
    }

    /// Makes two files, wholly allocated and mapped.
    /// - Throws: `NaruError.Code.resourceExhausted` or `.system` when the kernel refuses the memory.
    static func create(_ name: String, _ sizes: Sizes) throws(NaruError) -> (files: MemoryFiles, maps: Maps) {
        do throws(SystemError) {
            let files = MemoryFiles(
                data: try MemoryFile.create(name: name, byteCount: sizes.data),
                control: try MemoryFile.create(name: name + "-control", byteCount: sizes.control))
            // Mapped first: the seal lets no writable map be made afterwards.
            let maps = Maps(
                data: try Mapping(files.data, byteCount: sizes.data, access: .readWrite, prefault: true),
                control: try Mapping(files.control, byteCount: sizes.control, access: .readWrite, prefault: true))
            try MemoryFile.seal(files.data, dataSeals)
            try MemoryFile.seal(files.control, controlSeals)
            return (files, maps)
        } catch {
            throw NaruError(error, operation: "open", object: TransportName.sharedMemory.rawValue)
        }
    }

    /// Checks files that a peer passed, and maps them for the reader.
    /// - Parameters:
    ///   - sizes: What their sizes must be.
    ///   - owner: The peer's user, who must own the files.
    /// - Throws: `NaruError.Code.protocolViolation` when a file is not what it must be.
    func map(_ sizes: Sizes, owner: UInt32) throws(NaruError) -> Maps {
        try Self.check("data", data, sizes.data, Self.dataSeals, owner)
        try Self.check("control", control, sizes.control, Self.controlSeals, owner)
        do throws(SystemError) {
            return Maps(
                data: try Mapping(data, byteCount: sizes.data, access: .readOnly, prefault: true),
                control: try Mapping(control, byteCount: sizes.control, access: .readWrite, prefault: true))
        } catch {
            throw NaruError(error, operation: "open", object: TransportName.sharedMemory.rawValue)
        }
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
