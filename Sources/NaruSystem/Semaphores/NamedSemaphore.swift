// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// A POSIX semaphore with a name, which lies in `/dev/shm` until it is removed. What a process took stays taken when it
/// dies.
///
/// Mapped into this process; unmapped with the last reference to it.
// Safe: the pointer leads to a semaphore that stays mapped as long as the object lives.
@safe
public final class NamedSemaphore: Sendable {
    // Sendable: a constant address, and the C library's functions on it are made for any number of threads.
    nonisolated(unsafe) private let semaphore: UnsafeMutableRawPointer
    /// The name, with its slash.
    public let name: String

    /// The most that a semaphore can hold (`SEM_VALUE_MAX`).
    public static let maximumValue = Int(Int32.max)

    /// Makes one that holds `value`; `EEXIST` when there is one.
    public static func make(
        _ name: String, value: Int, permissions: UInt16 = 0o600
    ) throws(SystemError) -> NamedSemaphore {
        guard (0...maximumValue).contains(value) else { throw failure(SystemErrno.invalid, "sem_open", name) }
        return unsafe NamedSemaphore(try open(name, create: true, value, permissions), name)
    }

    /// Opens one; `ENOENT` when there is none. Whose it is tells its file: see ``path(of:)``.
    public static func find(_ name: String) throws(SystemError) -> NamedSemaphore {
        unsafe NamedSemaphore(try open(name, create: false, 0, 0), name)
    }

    /// Removes the name; whoever has it open keeps it.
    public static func remove(_ name: String) throws(SystemError) {
        try checked(unsafe naru_named_semaphore_remove(try checkedPath(name, "sem_unlink")), "sem_unlink", name)
    }

    /// The file that the C library keeps a semaphore in.
    public static func path(of name: String) -> String { "/dev/shm/sem." + name.drop { $0 == "/" } }

    private init(_ semaphore: UnsafeMutableRawPointer, _ name: String) {
        unsafe self.semaphore = semaphore
        self.name = name
    }

    deinit { unsafe naru_named_semaphore_close(semaphore) }

    /// Adds one. `EOVERFLOW` above ``maximumValue``.
    public func post() throws(SystemError) {
        try checked(unsafe naru_named_semaphore_post(semaphore), "sem_post", name)
    }

    /// Takes one; blocks until there is one or the deadline comes: then it is false. A past deadline never blocks.
    public func take(deadline: Deadline) throws(SystemError) -> Bool {
        let result = unsafe naru_named_semaphore_wait(semaphore, deadline.nanoseconds)
        if result == -SystemErrno.again { return false }
        try checked(result, "sem_clockwait", name)
        return true
    }

    /// What it holds.
    public func value() throws(SystemError) -> Int {
        Int(try checked(unsafe naru_named_semaphore_value(semaphore), "sem_getvalue", name))
    }

    private static func open(
        _ name: String, create: Bool, _ value: Int, _ permissions: UInt16
    ) throws(SystemError) -> UnsafeMutableRawPointer {
        var semaphore: UnsafeMutableRawPointer?
        // Safe: the text is NUL-terminated and valid for the call, which writes the local.
        let result = unsafe naru_named_semaphore(
            try checkedPath(name, "sem_open"), create ? 1 : 0, UInt32(permissions), UInt32(value), &semaphore)
        try checked(result, "sem_open", name)
        guard let semaphore = unsafe semaphore else { throw failure(SystemErrno.invalid, "sem_open", name) }
        return unsafe semaphore
    }
}
