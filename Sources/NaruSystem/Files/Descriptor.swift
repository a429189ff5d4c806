// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem
internal import Synchronization

/// An open file, socket or other kernel object with one owner.
///
/// It is closed by ``close()`` or with the last reference to it. Every descriptor of this module is close-on-exec from
/// birth. A call on a closed one throws `EBADF`: its number, which the kernel may have given to something else, is not
/// used again. Closing while another thread is inside a call is the caller's mistake.
public final class Descriptor: Sendable {
    /// The kernel's number. It stays as it was after ``close()``: do not use it then.
    public let raw: Int32
    private let isClosed = Atomic<Bool>(false)

    /// Takes ownership of an open descriptor; the caller has set close-on-exec where it matters.
    public init(adopting raw: Int32) {
        self.raw = raw
    }

    deinit { close() }

    /// Closes it, once; further calls do nothing.
    public func close() {
        // Acquiring and releasing, so that exactly one caller closes and has seen what was done with it before.
        if !isClosed.exchange(true, ordering: .acquiringAndReleasing) { _ = naru_close(raw) }
    }

    /// The number for a call: -1, which the kernel refuses, once it is closed.
    // Relaxed: the flag orders nothing, it only turns use after close into an error.
    var number: Int32 {
        @inline(__always) get { isClosed.load(ordering: .relaxed) ? -1 : raw }
    }

    /// How errors name it.
    var name: String { "descriptor \(raw)" }

    /// A second descriptor of the same open file.
    ///
    /// The corresponding C function is `fcntl` with `F_DUPFD_CLOEXEC`. Throws `EMFILE` when none is left.
    public func duplicate() throws(SystemError) -> Descriptor {
        Descriptor(adopting: try checked(naru_duplicate(number, 3), "fcntl", name))
    }

    /// Makes reads and writes return ``IOResult/wouldBlock`` instead of blocking.
    ///
    /// The flag belongs to the open file: never set it on one that others share, such as inherited standard streams.
    public func setNonBlocking() throws(SystemError) {
        try checked(naru_set_nonblocking(number), "fcntl", name)
    }

    /// What may be done with the open file.
    public func access() throws(SystemError) -> DescriptorAccess {
        DescriptorAccess(rawValue: UInt8(truncatingIfNeeded: try checked(naru_access(number), "fcntl", name)))
    }

    /// Closes it in programs that this process becomes or starts: for a descriptor that was inherited. The flag is the
    /// descriptor's own, not the open file's.
    public func setCloseOnExec() throws(SystemError) {
        try checked(naru_set_close_on_exec(number), "fcntl", name)
    }

    /// Takes over a descriptor that this process inherited, if it is the file that was meant, and marks it
    /// close-on-exec.
    ///
    /// Throws `EBADF` when the number is closed or another file has it: then it is somebody else's, and left alone.
    public static func inherited(_ number: Int32, inode: UInt64) throws(SystemError) -> Descriptor {
        var status = naru_status()
        // Safe: the callee fills the local.
        try checked(unsafe naru_status_of(number, &status), "fstat", "descriptor \(number)")
        guard status.inode == inode else { throw failure(SystemErrno.badDescriptor, "fstat", "descriptor \(number)") }
        let descriptor = Descriptor(adopting: number)
        try descriptor.setCloseOnExec()
        return descriptor
    }

    /// What the kernel tells of the file.
    public func status() throws(SystemError) -> FileStatus {
        var status = naru_status()
        // Safe: the callee fills the local.
        try checked(unsafe naru_status_of(number, &status), "fstat", name)
        return FileStatus(status)
    }

    /// Changes the file's size; a longer file reads as zeros there.
    public func truncate(to byteCount: Int) throws(SystemError) {
        try checked(naru_truncate(number, Int64(byteCount)), "ftruncate", name)
    }

    /// Gives the first `byteCount` bytes of the file real room, so that no later write to a mapping can fail.
    ///
    /// Throws `ENOSPC` when there is none and `EOPNOTSUPP` when the file system has no such operation; nothing is
    /// emulated. The corresponding C function is `fallocate`.
    public func allocate(byteCount: Int) throws(SystemError) {
        try checked(naru_allocate(number, Int64(byteCount)), "fallocate", name)
    }

    /// Waits until what was written is on the device. Blocks; the corresponding C function is `fsync`.
    public func sync() throws(SystemError) {
        try checked(naru_sync(number), "fsync", name)
    }

    /// Takes a share of the file's lock for this open file; false when another open file has all of it. Does not block.
    ///
    /// An open file that has all of it keeps a share, but not in one step: another may have the lock in between, and
    /// then this is false and nothing is kept. The corresponding C function is `flock` with `LOCK_SH | LOCK_NB`.
    public func tryLockShared() throws(SystemError) -> Bool {
        let result = naru_try_lock_shared(number)
        if result == -SystemErrno.again { return false }
        try checked(result, "flock", name)
        return true
    }

    /// Takes all of the file's lock for this open file; false when another open file has it. Does not block.
    ///
    /// It is released when the last descriptor of this open file is closed, also by the death of the process. The
    /// corresponding C function is `flock` with `LOCK_EX | LOCK_NB`.
    public func tryLock() throws(SystemError) -> Bool {
        let result = naru_try_lock(number)
        if result == -SystemErrno.again { return false }
        try checked(result, "flock", name)
        return true
    }
}

/// What may be done with an open file, and how.
public struct DescriptorAccess: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// It can be read.
    public static let read = DescriptorAccess(rawValue: 1)
    /// It can be written.
    public static let write = DescriptorAccess(rawValue: 2)
    /// Its calls do not block.
    public static let nonBlocking = DescriptorAccess(rawValue: 4)
}
