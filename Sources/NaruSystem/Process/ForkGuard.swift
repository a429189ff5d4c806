// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import Synchronization

/// Tells a child that was forked from the process which made this: a page that the kernel wipes in the child
/// (`MADV_WIPEONFORK`).
///
/// Asking costs a plain load. Where the kernel does not know the wish (before Linux 4.14, some sandboxes) a child is
/// not told.
// Safe: the pointer leads into a mapping that lives as long as this object, and to a word that an atomic is made for.
@safe
public final class ForkGuard: Sendable {
    private let page: Mapping
    /// 1 in the process that made this, 0 in a child forked from it. Valid as long as the guard.
    // Sendable: a constant address; the word behind it is written once, before anybody has it.
    nonisolated(unsafe) public let mark: UnsafePointer<Atomic<UInt32>>

    /// Maps the page. `ENOMEM` when the address space is used up.
    public init() throws(SystemError) {
        let size = HostInformation.pageBytes
        do {
            page = try Mapping(privateByteCount: size, wipeOnFork: true)
        } catch {
            guard error.errno == SystemErrno.invalid else { throw error }
            page = try Mapping(privateByteCount: size, wipeOnFork: false)
        }
        let word = unsafe page.base.bindMemory(to: Atomic<UInt32>.self, capacity: 1)
        unsafe word.initialize(to: Atomic(1))
        unsafe mark = UnsafePointer(word)
    }

    /// Whether this is a forked child of the process that made the guard.
    // Relaxed: the kernel wipes the page before the child runs.
    public var isForked: Bool { unsafe mark.pointee.load(ordering: .relaxed) == 0 }
}
