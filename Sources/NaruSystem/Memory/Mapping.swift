// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// Memory mapped into this process; unmapped with the last reference to it.
///
/// It is no view of its own: whoever keeps ``base`` keeps the mapping too.
// Safe: the two constants describe memory that stays mapped as long as the object lives.
@safe
public final class Mapping: Sendable {
    /// What this process may do with the memory.
    public enum Access: Sendable, Hashable {
        case readOnly, readWrite
    }

    /// The first byte, on a page boundary.
    // Sendable: a constant address. What is done with the memory behind it between threads is the user's own protocol.
    nonisolated(unsafe) public let base: UnsafeMutableRawPointer
    /// The mapped bytes.
    public let byteCount: Int

    /// Maps the first `byteCount` bytes of a file, shared with everyone who maps it.
    ///
    /// The descriptor may be closed afterwards. A touch beyond the end of the file is SIGBUS: check size and seals
    /// before. `prefault` brings the pages in at once. Throws `EINVAL` for no bytes, `ENOMEM` when the address space or
    /// the limit is used up, `EACCES` or `EPERM` when the descriptor or a seal does not permit the access.
    public init(_ descriptor: Descriptor, byteCount: Int, access: Access, prefault: Bool) throws(SystemError) {
        let number = descriptor.number
        if number < 0 { throw failure(SystemErrno.badDescriptor, "mmap", descriptor.name) }
        unsafe base = try Mapping.map(
            number, byteCount, writable: access == .readWrite, shared: true, prefault: prefault, descriptor.name)
        self.byteCount = byteCount
    }

    /// Maps zeroed memory of this process alone; with `wipeOnFork` a forked child finds it zeroed again.
    public init(privateByteCount byteCount: Int, wipeOnFork: Bool) throws(SystemError) {
        let base = unsafe try Mapping.map(
            -1, byteCount, writable: true, shared: false, prefault: false, "private memory")
        unsafe self.base = unsafe base
        self.byteCount = byteCount
        if wipeOnFork { try checked(unsafe naru_wipe_on_fork(base, byteCount), "madvise", "private memory") }
    }

    /// Maps zeroed memory that children forked from this process share.
    public init(sharedAnonymousByteCount byteCount: Int) throws(SystemError) {
        unsafe base = try Mapping.map(
            -1, byteCount, writable: true, shared: true, prefault: false, "shared anonymous memory")
        self.byteCount = byteCount
    }

    deinit { _ = unsafe naru_unmap(base, byteCount) }

    private static func map(
        _ number: Int32, _ byteCount: Int, writable: Bool, shared: Bool, prefault: Bool,
        _ name: @autoclosure () -> String
    ) throws(SystemError) -> UnsafeMutableRawPointer {
        guard byteCount > 0 else { throw failure(SystemErrno.invalid, "mmap", name()) }
        var base: UnsafeMutableRawPointer?
        // Safe: the callee writes the local; the kernel chooses an address that nothing else uses.
        let result = unsafe naru_map(number, byteCount, writable ? 1 : 0, shared ? 1 : 0, prefault ? 1 : 0, &base)
        try checked(result, "mmap", name())
        guard let base = unsafe base else { throw failure(SystemErrno.noMemory, "mmap", name()) }
        return unsafe base
    }
}
