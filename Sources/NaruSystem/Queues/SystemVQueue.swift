// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import CNaruSystem

/// A System V message queue. No call blocks. It has no descriptor, so nothing can poll it, and nobody has to close it.
public struct SystemVQueue: Sendable, Hashable {
    /// What a queue says of itself.
    public struct Status: Sendable, Hashable {
        /// Bytes of the messages it holds.
        public let byteCount: Int
        /// The most bytes it holds.
        public let capacity: Int
        /// How many messages it holds.
        public let count: Int
        /// Its owner.
        public let userID: UInt32
        /// The permission bits.
        public let permissions: UInt16
    }

    /// The kernel's number of the queue.
    public let id: Int32

    /// A queue by its number.
    public init(id: Int32) {
        self.id = id
    }

    private var name: String { "System V queue \(id)" }

    /// The queue of a key; `ENOENT` when there is none. The corresponding C function is `msgget`.
    public static func open(key: Int32) throws(SystemError) -> SystemVQueue {
        SystemVQueue(id: try checked(naru_sysv_queue(key, 0, 0), "msgget", text(key)))
    }

    /// Makes the queue of a key that is not 0; `EEXIST` when there is one, `ENOSPC` when the host has too many.
    public static func create(key: Int32, permissions: UInt16 = 0o600) throws(SystemError) -> SystemVQueue {
        SystemVQueue(id: try checked(naru_sysv_queue(key, 1, UInt32(permissions)), "msgget", text(key)))
    }

    /// Removes the queue with what it holds, under all of its users; they get `EIDRM`. The corresponding C function is
    /// `msgctl` with `IPC_RMID`.
    public func remove() throws(SystemError) {
        try checked(naru_sysv_queue_remove(id), "msgctl", name)
    }

    /// What it holds and can hold.
    public func status() throws(SystemError) -> Status {
        var status = naru_sysv_queue_status()
        // Safe: the callee fills the local.
        try checked(unsafe naru_sysv_queue_status_of(id, &status), "msgctl", name)
        return Status(
            byteCount: Int(clamping: status.byte_count), capacity: Int(clamping: status.capacity),
            count: Int(clamping: status.count), userID: status.user_id, permissions: UInt16(status.mode & 0o777))
    }

    /// The bytes of a message's type, which stand before it.
    public static let typeBytes = 8

    /// Adds a message whose first ``typeBytes`` are its type, above 0; false when the queue is full. `EINVAL` above the
    /// host's limit for one message.
    // Inlinable, here and below: behind a call of the kernel each return that the processor cannot foresee costs as
    // much as all that this does.
    @inlinable
    @inline(__always)
    public func trySend(_ message: UnsafeRawBufferPointer) throws(SystemError) -> Bool {
        guard let base = message.baseAddress, message.count >= Self.typeBytes else {
            throw failed(SystemErrno.invalid, "msgsnd")
        }
        let result = unsafe naru_sysv_queue_send(id, base, message.count - Self.typeBytes)
        if result >= 0 { return true }
        guard result == -SystemErrno.again else { throw failed(-result, "msgsnd") }
        return false
    }

    /// Takes a message into a buffer, its type first; the bytes behind the type, nil when there is none that is asked
    /// for. `E2BIG` when the buffer is too small: the message stays.
    ///
    /// - Parameter type: 0: the oldest; above 0: the oldest of this type; below: of the lowest type up to its amount.
    @inlinable
    @inline(__always)
    public func tryReceive(
        into buffer: UnsafeMutableRawBufferPointer, type: Int
    ) throws(SystemError) -> Int? {
        guard let base = buffer.baseAddress, buffer.count >= Self.typeBytes else {
            throw failed(SystemErrno.invalid, "msgrcv")
        }
        // Safe: the buffer is the caller's and as large as is said.
        let result = unsafe naru_sysv_queue_receive(id, base, buffer.count - Self.typeBytes, Int64(type))
        if result >= 0 { return Int(result) }
        guard result == -Int64(SystemErrno.noMessage) else { throw failed(Int32(-result), "msgrcv") }
        return nil
    }

    @inline(never)
    @usableFromInline
    func failed(_ errno: Int32, _ function: StaticString) -> SystemError { failure(errno, function, name) }

    private static func text(_ key: Int32) -> String { "key 0x" + String(UInt32(bitPattern: key), radix: 16) }
}
