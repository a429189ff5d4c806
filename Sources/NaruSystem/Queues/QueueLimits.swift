// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// The host's limits on message queues, as its files say; nil where they are hidden.
public struct QueueLimits: Sendable, Hashable {
    /// The most messages of a POSIX queue made without privilege: `fs.mqueue.msg_max`.
    public var posixDepth: Int?
    /// The most bytes of a POSIX message: `fs.mqueue.msgsize_max`.
    public var posixMessageBytes: Int?
    /// The most POSIX queues of the host: `fs.mqueue.queues_max`.
    public var posixQueues: Int?
    /// The most memory of all POSIX queues of one user, bytes: RLIMIT_MSGQUEUE. `UInt64.max`: no limit.
    public var posixUserBytes: UInt64?
    /// How far the user can raise that without privilege.
    public var posixUserBytesAtMost: UInt64?
    /// The most bytes of a System V message: `kernel.msgmax`.
    public var sysvMessageBytes: Int?
    /// The most bytes of a System V queue: `kernel.msgmnb`.
    public var sysvQueueBytes: Int?
    /// The most System V queues of the host: `kernel.msgmni`.
    public var sysvQueues: Int?

    /// All of them, read anew.
    public static func current() -> QueueLimits {
        var limits = posix()
        let other = sysv()
        limits.sysvMessageBytes = other.sysvMessageBytes
        limits.sysvQueueBytes = other.sysvQueueBytes
        limits.sysvQueues = FileSystem.readNumber("/proc/sys/kernel/msgmni")
        limits.posixQueues = FileSystem.readNumber("/proc/sys/fs/mqueue/queues_max")
        var (soft, hard): (UInt64, UInt64) = (0, 0)
        // Safe: the callee fills the two locals.
        if unsafe naru_queue_memory_limit(&soft, &hard) == 0 {
            limits.posixUserBytes = soft
            limits.posixUserBytesAtMost = hard
        }
        return limits
    }

    /// Those of one POSIX queue.
    public static func posix() -> QueueLimits {
        var limits = QueueLimits()
        limits.posixDepth = FileSystem.readNumber("/proc/sys/fs/mqueue/msg_max")
        limits.posixMessageBytes = FileSystem.readNumber("/proc/sys/fs/mqueue/msgsize_max")
        return limits
    }

    /// Those of one System V queue.
    public static func sysv() -> QueueLimits {
        var limits = QueueLimits()
        limits.sysvMessageBytes = FileSystem.readNumber("/proc/sys/kernel/msgmax")
        limits.sysvQueueBytes = FileSystem.readNumber("/proc/sys/kernel/msgmnb")
        return limits
    }

    /// What a POSIX queue takes of its user's limit, bytes: the kernel counts its messages at their largest, and the
    /// nodes that hold them.
    public static func posixMemory(depth: Int, messageBytes: Int) -> Int {
        // As mqueue_get_inode of Linux counts: besides the bytes, a header and at most a tree node for each message.
        depth * messageBytes + depth * 48 + min(depth, POSIXQueue.maximumPriority + 1) * 48
    }
}
