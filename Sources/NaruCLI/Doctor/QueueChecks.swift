// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem

/// What the host's limits on message queues mean for links, and what lifts each.
enum QueueChecks {
    /// The queue that a link makes where the host permits it.
    private static let (depth, messageBytes) = (10, 8192)

    static func findings(_ limits: QueueLimits = .current()) -> [Finding] {
        [posix(limits), sysv(limits)]
    }

    static func posix(_ limits: QueueLimits) -> Finding {
        let name = "posix queues"
        let values: [(String, JSON)] = [
            ("depth", .optional(limits.posixDepth)), ("messageBytes", .optional(limits.posixMessageBytes)),
            ("queues", .optional(limits.posixQueues)), ("userBytes", number(limits.posixUserBytes)),
            ("userBytesAtMost", number(limits.posixUserBytesAtMost)),
        ]
        guard let depth = limits.posixDepth, let messageBytes = limits.posixMessageBytes else {
            return Finding(
                name, .warning, "the host hides their limits (/proc/sys/fs/mqueue)",
                remedy: "use a kernel with CONFIG_POSIX_MQUEUE, and mount /proc", values: values)
        }
        var detail =
            "\(depth) messages (fs.mqueue.msg_max) of \(Format.bytes(UInt64(clamping: messageBytes))) "
            + "(fs.mqueue.msgsize_max)"
        if let queues = limits.posixQueues { detail += ", \(queues) queues (fs.mqueue.queues_max)" }
        guard let userBytes = limits.posixUserBytes, userBytes < 1 << 62 else {
            return Finding(name, .ok, detail + ", no limit on a user's", values: values)
        }
        let each = QueueLimits.posixMemory(
            depth: min(Self.depth, depth), messageBytes: min(Self.messageBytes, messageBytes))
        let room = userBytes / UInt64(each)
        detail += ", \(Format.bytes(userBytes)) for all of a user's (ulimit -q): \(room) links' queues"
        guard room > 0 else {
            return Finding(name, .problem, detail, remedy: "raise the user's limit with `ulimit -q`", values: values)
        }
        return Finding(name, .ok, detail, values: values)
    }

    static func sysv(_ limits: QueueLimits) -> Finding {
        let name = "sysv queues"
        let values: [(String, JSON)] = [
            ("messageBytes", .optional(limits.sysvMessageBytes)), ("queueBytes", .optional(limits.sysvQueueBytes)),
            ("queues", .optional(limits.sysvQueues)),
        ]
        guard let messageBytes = limits.sysvMessageBytes, let queueBytes = limits.sysvQueueBytes,
            let queues = limits.sysvQueues
        else {
            return Finding(
                name, .warning, "the host hides their limits (/proc/sys/kernel/msg*)",
                remedy: "use a kernel with CONFIG_SYSVIPC, and mount /proc", values: values)
        }
        let detail =
            "messages of \(Format.bytes(UInt64(clamping: messageBytes))) (kernel.msgmax), "
            + "\(Format.bytes(UInt64(clamping: queueBytes))) a queue (kernel.msgmnb), \(queues) queues (kernel.msgmni)"
        guard queues > 0 else {
            return Finding(name, .problem, detail, remedy: "raise kernel.msgmni", values: values)
        }
        return Finding(name, .ok, detail, values: values)
    }

    /// A number for JSON; `null` for what stands for no limit or is not known.
    private static func number(_ value: UInt64?) -> JSON {
        guard let value, value < 1 << 62 else { return .null }
        return .integer(Int(value))
    }
}
