// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// How kernel queues are made.
public struct MessageQueueConfiguration: Hashable, Sendable {
    /// The most messages of a POSIX queue, cut to the host's `fs.mqueue.msg_max`. A System V queue has no such
    /// number, the kernel bounds its bytes: there it is the number of messages up to which large ones are put beside
    /// the queue.
    public var depth: Int
    /// The most bytes of one message in the queue, its header included, cut to the host's limit. Larger messages of a
    /// shared queue lie beside it. A user's queues together may take 800 KiB by default, `depth * messageBytes` each.
    public var messageBytes: Int
    /// Where the payloads lie that are too large for a queue; where it is not there, beside the queue's sidecar.
    public var payloadFolder: String

    /// A configuration. The defaults are what an unchanged host permits.
    public init(depth: Int = 10, messageBytes: Int = 8192, payloadFolder: String = "/dev/shm") {
        self.depth = max(depth, 1)
        self.messageBytes = max(messageBytes, Self.leastMessageBytes)
        self.payloadFolder = payloadFolder
    }

    /// Room for a record's header and a fragment of the least size.
    static let leastMessageBytes = 128
}
