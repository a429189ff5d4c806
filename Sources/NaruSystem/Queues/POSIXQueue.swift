// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// A POSIX message queue that this process has open. No call blocks, whatever others do.
///
/// On Linux a queue is a descriptor: it can be polled, readable while it holds a message, writable while it has room.
public final class POSIXQueue: Sendable {
    /// What a queue says of itself.
    public struct Status: Sendable, Hashable {
        /// The most messages it holds.
        public let depth: Int
        /// The most bytes of one.
        public let messageBytes: Int
        /// How many it holds now.
        public let count: Int
    }

    /// The highest priority of a message; 0 is the lowest. `MQ_PRIO_MAX - 1`.
    public static let maximumPriority = 32_767

    /// The open queue, for polling.
    public let descriptor: Descriptor
    /// Its name, as `/jobs`.
    public let name: String

    private init(_ descriptor: Descriptor, _ name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    /// An open queue that another process handed over; ``status()`` throws `EBADF` where it is none. Its flags are
    /// shared: no call relies on them.
    public init(adopting descriptor: Descriptor, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    /// Opens a queue that is there; `ENOENT` when it is not. The corresponding C function is `mq_open`.
    public static func open(_ name: String, reading: Bool, writing: Bool) throws(SystemError) -> POSIXQueue {
        // Safe, here and below: the text is NUL-terminated and valid for the call.
        let raw = unsafe naru_queue_open(try checkedPath(name, "mq_open"), reading ? 1 : 0, writing ? 1 : 0)
        return POSIXQueue(Descriptor(adopting: try checked(raw, "mq_open", name)), name)
    }

    /// Makes a queue and opens it both ways; `EEXIST` when it is there, `EMFILE` when the user's queues have no memory
    /// left, `EINVAL` above the host's limits.
    public static func create(
        _ name: String, depth: Int, messageBytes: Int, permissions: UInt16 = 0o600
    ) throws(SystemError) -> POSIXQueue {
        let raw = unsafe naru_queue_create(
            try checkedPath(name, "mq_open"), UInt32(permissions), Int64(depth), Int64(messageBytes))
        return POSIXQueue(Descriptor(adopting: try checked(raw, "mq_open", name)), name)
    }

    /// Removes a queue's name; the queue goes with the last who has it open. The corresponding C function is
    /// `mq_unlink`.
    public static func remove(_ name: String) throws(SystemError) {
        try checked(unsafe naru_queue_unlink(try checkedPath(name, "mq_unlink")), "mq_unlink", name)
    }

    /// What it holds and can hold.
    public func status() throws(SystemError) -> Status {
        var status = naru_queue_status()
        // Safe: the callee fills the local.
        try checked(unsafe naru_queue_status_of(descriptor.number, &status), "mq_getattr", name)
        return Status(depth: Int(status.depth), messageBytes: Int(status.message_bytes), count: Int(status.count))
    }

    /// Adds a message; false when the queue is full. `EMSGSIZE` above the queue's limit.
    public func trySend(_ message: UnsafeRawBufferPointer, priority: Int) throws(SystemError) -> Bool {
        let result = unsafe naru_queue_send(
            descriptor.number, message.baseAddress, message.count, UInt32(clamping: priority))
        if result == -SystemErrno.again { return false }
        try checked(result, "mq_send", name)
        return true
    }

    /// Takes the oldest message of the highest priority; nil when there is none. `EMSGSIZE` for a buffer smaller than
    /// the queue's limit.
    public func tryReceive(
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> (byteCount: Int, priority: Int)? {
        guard let base = buffer.baseAddress else { throw failure(SystemErrno.messageTooLong, "mq_receive", name) }
        var priority: UInt32 = 0
        // Safe: the buffer is the caller's and as large as is said.
        let result = unsafe naru_queue_receive(descriptor.number, base, buffer.count, &priority)
        if result == -Int64(SystemErrno.again) { return nil }
        return (Int(try checked(result, "mq_receive", name)), Int(priority))
    }
}
