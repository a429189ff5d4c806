// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruSystem

/// Carries messages through POSIX message queues.
///
/// Between two ends that negotiate, each sends through a private queue that has no name; larger messages are cut.
/// A named queue is shared by any number of senders and receivers, each message goes to one of them, and the kernel
/// keeps messages while nobody receives, until the host is restarted. Messages have priorities: the highest is given
/// first, in order within each. A message that was taken is not given again, whatever becomes of its taker.
public struct PosixQueueTransport: AttachableTransport {
    /// How queues are made.
    public let configuration: MessageQueueConfiguration

    /// A transport with a configuration.
    public init(_ configuration: MessageQueueConfiguration = .init()) {
        self.configuration = configuration
    }

    public var name: TransportName { .posixQueue }

    /// Asks the kernel for queues, and makes none, because nobody would find one whose maker is killed at that moment.
    public func probe() -> CapabilityRecord {
        CapabilityRecord(
            transport: name, localities: [.sameProcess, .relatedProcess, .sameHost],
            directions: [.simplex, .duplex, .queue],
            properties: [.persistent, .priority, .confidential, .confirmed, .pollable],
            agreements: [.negotiated, .attached],
            maximumRecordBytes: size.messageBytes - RecordHeader.byteCount, survivesSenderDeath: true,
            requiresSameUser: true, sharedNamespaces: ["ipc"], availability: tryQueue())
    }

    /// Begins to open a link of two ends over a private queue each way, which has no name.
    /// - Throws: as ``attach(_:)``.
    public func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
        try QueueOpening(request, PrivatePosixQueues(size: size))
    }

    /// Opens one end of a link's queue, which is made where it is missing, or of another program's queue, which is not.
    /// - Throws: `NaruError.Code.refused` for a queue with other terms, `.resourceExhausted` where the user's queues
    ///   have no memory left, `.system`.
    public func attach(_ request: AttachRequest) throws(NaruError) -> AttachStep {
        switch request.medium {
        case .link(let link):
            try QueueAttaching.attach(link, request, self, size: size, configuration) { record throws(NaruError) in
                try PosixKernelQueue(
                    try naming("open", record.object) { () throws(SystemError) in
                        try POSIXQueue.open(record.object, reading: true, writing: true)
                    })
            }
        case .foreign(let object):
            try QueueAttaching.attachForeign(request) { () throws(NaruError) in
                try PosixKernelQueue(
                    try naming("open", object) { () throws(SystemError) in
                        try POSIXQueue.open(object, reading: request.receives, writing: request.sends)
                    })
            }
        }
    }

    /// The configuration within what the host permits.
    private var size: QueueSize {
        let limits = QueueLimits.posix()
        return QueueSize(
            depth: min(configuration.depth, limits.posixDepth ?? .max),
            messageBytes: min(configuration.messageBytes, limits.posixMessageBytes ?? .max))
    }

    /// Where the kernel has queues and lets them be used, a name that is not there is not found, and a descriptor that
    /// is none is refused as such.
    private func tryQueue() -> Availability {
        let name = "/naru-\(HostInformation.userID)-probe-\(String(SystemRandom.word(), radix: 36))"
        do throws(SystemError) {
            _ = try POSIXQueue.open(name, reading: true, writing: true)
        } catch {
            guard error.errno == SystemErrno.notFound else { return Self.refusal(error) }
        }
        var bytes: [UInt8] = [7]
        let queue = POSIXQueue(adopting: Descriptor(adopting: -1), name: name)
        // Safe, both: the memory is the array's own.
        do throws(SystemError) {
            _ = try unsafe bytes.withUnsafeBufferPointer { buffer throws(SystemError) in
                unsafe try queue.trySend(UnsafeRawBufferPointer(buffer), priority: 3)
            }
        } catch {
            guard error.errno == SystemErrno.badDescriptor else { return Self.refusal(error) }
        }
        do throws(SystemError) {
            _ = try unsafe bytes.withUnsafeMutableBufferPointer { buffer throws(SystemError) in
                unsafe try queue.tryReceive(into: UnsafeMutableRawBufferPointer(buffer))
            }
        } catch {
            guard error.errno == SystemErrno.badDescriptor else { return Self.refusal(error) }
        }
        return .available
    }

    private static func refusal(_ error: SystemError) -> Availability {
        .refused(
            reason: error.description,
            remedy: "use a kernel with CONFIG_POSIX_MQUEUE, and permit mq_open, mq_send and mq_receive")
    }
}

extension PosixQueueTransport: DurableMedium {
    /// The kernel holds queues, so they end with it.
    public var survivesRestart: Bool { false }

    /// Makes the queue of a record.
    public func make(_ record: DurableRecord) throws(NaruError) {
        let size = QueueSize(record) ?? size
        try check(record)
        _ = try naming("make", record.object) { () throws(SystemError) in
            try POSIXQueue.create(record.object, depth: size.depth, messageBytes: size.messageBytes)
        }
    }

    /// Whether the queue is there and one's own.
    public func exists(_ record: DurableRecord) throws(NaruError) -> Bool {
        do {
            let queue = try POSIXQueue.open(record.object, reading: true, writing: true)
            let status = try queue.descriptor.status()
            return HostInformation.isOwnUser(status.userID) && status.permissions & 0o077 == 0
        } catch {
            if error.errno == SystemErrno.notFound { return false }
            throw .queue(error, "open", record.object)
        }
    }

    /// Removes the queue and the payloads that belong to it.
    public func remove(_ record: DurableRecord) throws(NaruError) {
        try check(record)
        do {
            try POSIXQueue.remove(record.object)
        } catch {
            if error.errno != SystemErrno.notFound { throw .queue(error, "remove", record.object) }
        }
        PayloadStore(record)?.removeAll()
    }

    /// "3 of 10 messages".
    public func detail(of record: DurableRecord) -> String? {
        let queue = try? POSIXQueue.open(record.object, reading: true, writing: false)
        return (try? queue?.status()).map { "\($0.count) of \($0.depth) messages" }
    }

    /// A sidecar that names another queue than its own was changed by somebody.
    private func check(_ record: DurableRecord) throws(NaruError) {
        guard record.object == "/" + record.name else {
            throw NaruError(
                .corrupted, operation: "use", object: record.name,
                reason: "its sidecar names the queue \(record.object)", remedy: "remove the sidecar")
        }
    }
}
