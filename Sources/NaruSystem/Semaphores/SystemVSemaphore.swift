// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// A System V semaphore: a set of one, known to the kernel by a key and a number, until it is removed or the host
/// stops.
///
/// A value of the number only: dropping it does nothing to the semaphore. Numbers and keys belong to an IPC namespace.
public struct SystemVSemaphore: Sendable, Hashable {
    /// The kernel's number of the set.
    public let id: Int32

    /// What the kernel tells of a semaphore.
    public struct Status: Sendable, Hashable {
        /// Its owner.
        public let userID: UInt32
        /// Who made it.
        public let creatorID: UInt32
        /// The permission bits.
        public let permissions: UInt16
        /// How many semaphores the set has.
        public let count: Int
        /// Whether an operation ever succeeded on it: see ``settle(holding:)``.
        public let isReady: Bool
        /// What it holds.
        public let value: Int
        /// How many wait for it to hold more.
        public let waiting: Int
    }

    /// The most that a semaphore can hold (`SEMVMX`), and the most that the kernel takes back for a process.
    public static let maximumValue = 32767

    /// The set with this number.
    public init(id: Int32) {
        self.id = id
    }

    /// Makes a set of one semaphore, which holds 0 and is not ready, or throws `EEXIST`. `ENOSPC` at the host's limit.
    public static func make(key: Int32, permissions: UInt16 = 0o600) throws(SystemError) -> SystemVSemaphore {
        let id = try checked(naru_semaphore(key, 1, UInt32(permissions)), "semget", "key \(key)")
        return SystemVSemaphore(id: id)
    }

    /// Makes it ready with what it holds at first. It is the first operation on it, so that whoever finds the set
    /// before sees that it is not ready: `semget` and the first value are two steps.
    public func settle(holding value: Int) throws(SystemError) {
        if value > 0 { return try add(value, undo: false) }
        try checked(naru_semaphore_settle(id), "semop", name)
    }

    /// Finds the set of a key; `ENOENT` when there is none, `EACCES` when it is closed to this user.
    public static func find(key: Int32) throws(SystemError) -> SystemVSemaphore {
        SystemVSemaphore(id: try checked(naru_semaphore(key, 0, 0o600), "semget", "key \(key)"))
    }

    /// Adds to what it holds. With `undo` the kernel takes that back when this process ends: for what was taken with
    /// `undo` before.
    ///
    /// Throws `ERANGE` above ``maximumValue``, `EIDRM` or `EINVAL` when the set was removed.
    public func add(_ amount: Int, undo: Bool) throws(SystemError) {
        try checked(naru_semaphore_change(id, Self.clamped(amount), undo ? 1 : 0, 0), "semop", name)
    }

    /// Takes `amount` at once, or nothing; blocks until it holds that much or the deadline comes: then it is false. A
    /// deadline that is past never blocks. With `undo` the kernel gives it back when this process ends, however it
    /// does.
    ///
    /// Throws `EIDRM` or `EINVAL` when the set was removed, `ENOSPC` at the host's limit of undo records.
    public func take(_ amount: Int, undo: Bool, deadline: Deadline) throws(SystemError) -> Bool {
        let result = naru_semaphore_change(id, -Self.clamped(amount), undo ? 1 : 0, deadline.nanoseconds)
        if result == -SystemErrno.again { return false }
        try checked(result, "semtimedop", name)
        return true
    }

    /// Waits until it holds `amount`, and changes nothing: takes and gives it in one operation. As
    /// ``take(_:undo:deadline:)`` otherwise.
    public func awaitValue(_ amount: Int, deadline: Deadline) throws(SystemError) -> Bool {
        let result = naru_semaphore_await(id, Self.clamped(amount), deadline.nanoseconds)
        if result == -SystemErrno.again { return false }
        try checked(result, "semtimedop", name)
        return true
    }

    /// What the kernel tells of it.
    public func status() throws(SystemError) -> Status {
        var status = naru_semaphore_status()
        // Safe: the callee fills the local.
        try checked(unsafe naru_semaphore_status_of(id, &status), "semctl", name)
        return Status(
            userID: status.user_id, creatorID: status.creator_id, permissions: UInt16(status.mode & 0o777),
            count: Int(status.count), isReady: status.used != 0, value: Int(status.value),
            waiting: Int(status.waiting))
    }

    /// Removes the set: whoever waits gets `EIDRM`. `EPERM` for one of another user.
    public func remove() throws(SystemError) {
        try checked(naru_semaphore_remove(id), "semctl", name)
    }

    /// The host's limits, from `/proc/sys/kernel/sem`; nil where it cannot be read.
    public static var limits: Limits? {
        guard let text = try? FileSystem.readSmallFile("/proc/sys/kernel/sem", limit: 256) else { return nil }
        let words = String(decoding: text, as: UTF8.self).split { $0 == "\t" || $0 == " " || $0 == "\n" }
        let numbers = words.compactMap { Int($0) }
        guard numbers.count >= 4, numbers.count == words.count else { return nil }
        let listed = (try? FileSystem.readSmallFile("/proc/sysvipc/sem", limit: 1 << 24)) ?? []
        // A line for each set, below a head.
        let lines = listed.count { $0 == UInt8(ascii: "\n") }
        return Limits(
            semaphoresOfSet: numbers[0], semaphores: numbers[1], sets: numbers[3], setsInUse: max(0, lines - 1))
    }

    /// What the host permits (`kernel.sem`).
    public struct Limits: Sendable, Hashable {
        /// The semaphores of one set.
        public let semaphoresOfSet: Int
        /// The semaphores of all sets of the IPC namespace.
        public let semaphores: Int
        /// The sets of the IPC namespace.
        public let sets: Int
        /// The sets that there are.
        public let setsInUse: Int
    }

    private var name: String { "semaphore set \(id)" }

    /// An amount as the kernel takes it; one that makes no sense is 0, which the wrapper refuses with `EINVAL`.
    private static func clamped(_ amount: Int) -> Int32 {
        (1...maximumValue).contains(amount) ? Int32(amount) : 0
    }
}
