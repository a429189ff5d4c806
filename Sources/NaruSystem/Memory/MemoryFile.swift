// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// Memory files (memfd): memory with a descriptor and without a name.
public enum MemoryFile {
    /// What can no longer be done to a memory file, by anyone.
    public struct Seals: OptionSet, Sendable, Hashable {
        public let rawValue: UInt32

        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// No further seal can be set.
        public static let seal = Seals(rawValue: 0x1)
        /// It cannot become shorter.
        public static let shrink = Seals(rawValue: 0x2)
        /// It cannot become longer.
        public static let grow = Seals(rawValue: 0x4)
        /// It cannot be written; needs that nobody has it mapped writable.
        public static let write = Seals(rawValue: 0x8)
        /// It cannot be written, except through writable mappings that exist already.
        public static let futureWrite = Seals(rawValue: 0x10)
    }

    /// A new memory file of `byteCount` bytes, all of them given room, so that a touch cannot fail later.
    ///
    /// `name`, at most 249 bytes, is only seen in `/proc`. Throws `ENOSPC` or `ENOMEM` when there is no memory,
    /// `EMFILE` when no descriptor is left.
    public static func create(name: String, byteCount: Int) throws(SystemError) -> Descriptor {
        guard byteCount > 0 else { throw failure(SystemErrno.invalid, "memfd_create", name) }
        // Safe: the text is NUL-terminated and valid for the call.
        let raw = unsafe naru_memory_file(try checkedPath(name, "memfd_create"))
        let descriptor = Descriptor(adopting: try checked(raw, "memfd_create", name))
        try checked(naru_allocate(descriptor.number, Int64(byteCount)), "fallocate", name)
        return descriptor
    }

    /// Sets seals, in addition to those there are. `EBUSY` for ``Seals/write`` while a writable mapping exists,
    /// `EPERM` when it is sealed against sealing or the descriptor cannot write.
    public static func seal(_ descriptor: Descriptor, _ seals: Seals) throws(SystemError) {
        try checked(naru_add_seals(descriptor.number, seals.rawValue), "fcntl(F_ADD_SEALS)", descriptor.name)
    }

    /// The seals that are set, also such as have no name here. `EINVAL` when it is no memory file.
    public static func seals(of descriptor: Descriptor) throws(SystemError) -> Seals {
        let seals = try checked(naru_seals(descriptor.number), "fcntl(F_GET_SEALS)", descriptor.name)
        return Seals(rawValue: UInt32(seals))
    }

    /// Whether it is a memory file: memory that can have seals.
    public static func isMemoryFile(_ descriptor: Descriptor) -> Bool { naru_seals(descriptor.number) >= 0 }
}
