// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruSystem

/// Carries messages through System V message queues.
///
/// As POSIX queues, but messages have types instead of priorities, by which a receiver takes them out of order; and
/// nothing can poll such a queue, so who waits for a shared one looks again every 1 to 20 ms; two ends that negotiate
/// wake each other. No call blocks.
public struct SysvQueueTransport: AttachableTransport {
    /// How queues are made.
    public let configuration: MessageQueueConfiguration

    /// A transport with a configuration.
    public init(_ configuration: MessageQueueConfiguration = .init()) {
        self.configuration = configuration
    }

    public var name: TransportName { .sysvQueue }

    /// Asks the kernel for queues, and makes none, because nobody would find one whose maker is killed at that moment.
    public func probe() -> CapabilityRecord {
        CapabilityRecord(
            transport: name, localities: [.sameProcess, .relatedProcess, .sameHost],
            directions: [.simplex, .duplex, .queue],
            properties: [.persistent, .selective, .confidential, .confirmed], agreements: [.negotiated, .attached],
            maximumRecordBytes: size.messageBytes - RecordHeader.byteCount, survivesSenderDeath: true,
            requiresSameUser: true, sharedNamespaces: ["ipc", "mnt"], availability: tryQueue())
    }

    /// Begins to open a link of two ends over a private queue each way, found by its sidecar, which goes with the link.
    /// - Throws: as ``attach(_:)``.
    public func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
        try QueueOpening(request, PrivateSysvQueues(self, size: size, directories: request.directories))
    }

    /// Opens one end of a link's queue, which is made where it is missing, or of another program's queue, which is not.
    /// - Throws: `NaruError.Code.refused` for a queue with other terms, `.resourceExhausted` where the host has too
    ///   many queues, `.system`.
    public func attach(_ request: AttachRequest) throws(NaruError) -> AttachStep {
        switch request.medium {
        case .link(let link):
            try QueueAttaching.attach(link, request, self, size: size, configuration) { record throws(NaruError) in
                let size = QueueSize(record) ?? size
                return try SysvKernelQueue(
                    try Self.open(record), record.name, messageBytes: size.messageBytes, depth: size.depth)
            }
        case .foreign(let object):
            try QueueAttaching.attachForeign(request) { () throws(NaruError) in
                guard let key = Self.key(object) else {
                    throw NaruError(
                        .invalidArgument, operation: "open", object: "sysv-queue:\(object)",
                        reason: "`\(object)` is no key", remedy: "name a key that is not 0, as 1234 or 0x4d2")
                }
                let queue = try naming("open", "key \(object)") { () throws(SystemError) in
                    try SystemVQueue.open(key: key)
                }
                return try SysvKernelQueue(queue, "key \(object)", messageBytes: nil, depth: 0)
            }
        }
    }

    /// The configuration within what the host permits.
    private var size: QueueSize {
        let limits = QueueLimits.sysv()
        let most = min(limits.sysvMessageBytes ?? 8192, limits.sysvQueueBytes ?? 16_384)
        return QueueSize(depth: configuration.depth, messageBytes: min(configuration.messageBytes, most))
    }

    /// A key, decimal or `0x` and hexadecimal digits; `nil` for what is none, and for 0, which names no queue.
    static func key(_ text: String) -> Int32? {
        let key: Int32? =
            if text.hasPrefix("0x") {
                UInt32(text.dropFirst(2), radix: 16).map { Int32(bitPattern: $0) }
            } else {
                Int32(text)
            }
        return key == 0 ? nil : key
    }

    static func open(_ record: DurableRecord) throws(NaruError) -> SystemVQueue {
        guard let key = key(record.object) else {
            throw NaruError(
                .corrupted, operation: "open", object: record.name,
                reason: "its sidecar names the key \(record.object)",
                remedy: "remove the sidecar")
        }
        return try naming("open", record.name) { () throws(SystemError) in try SystemVQueue.open(key: key) }
    }

    /// Where the kernel has queues and lets them be used, a key that nobody has is not found, and a number that none
    /// has is invalid.
    private func tryQueue() -> Availability {
        do throws(SystemError) {
            _ = try SystemVQueue.open(key: QueueAttaching.newKey())
        } catch {
            guard error.errno == SystemErrno.notFound || error.errno == SystemErrno.accessDenied else {
                return Self.refusal(error)
            }
        }
        let queue = SystemVQueue(id: -1)
        var words = [1, 0]
        // Safe, both: the memory is the array's own.
        do throws(SystemError) {
            _ = try unsafe words.withUnsafeBufferPointer { buffer throws(SystemError) in
                unsafe try queue.trySend(UnsafeRawBufferPointer(buffer))
            }
        } catch {
            guard error.errno == SystemErrno.invalid else { return Self.refusal(error) }
        }
        do throws(SystemError) {
            _ = try unsafe words.withUnsafeMutableBufferPointer { buffer throws(SystemError) in
                unsafe try queue.tryReceive(into: UnsafeMutableRawBufferPointer(buffer), type: 0)
            }
        } catch {
            guard error.errno == SystemErrno.invalid else { return Self.refusal(error) }
        }
        return .available
    }

    private static func refusal(_ error: SystemError) -> Availability {
        .refused(
            reason: error.description,
            remedy: "use a kernel with CONFIG_SYSVIPC, and permit msgget, msgsnd and msgrcv")
    }
}

extension SysvQueueTransport: DurableMedium {
    /// The kernel holds queues, so they end with it.
    public var survivesRestart: Bool { false }

    /// Makes the queue of a record.
    public func make(_ record: DurableRecord) throws(NaruError) {
        guard let key = Self.key(record.object) else {
            throw NaruError(
                .invalidArgument, operation: "make", object: record.name, reason: "\(record.object) is no key")
        }
        _ = try naming("make", record.name) { () throws(SystemError) in try SystemVQueue.create(key: key) }
    }

    /// Whether the queue is there and one's own.
    public func exists(_ record: DurableRecord) throws(NaruError) -> Bool {
        try queue(record) != nil
    }

    /// Removes the queue and the payloads that belong to it. One of the key that is not this user's own, or open to
    /// others, is another's, and left.
    public func remove(_ record: DurableRecord) throws(NaruError) {
        if let queue = try queue(record) {
            try naming("remove", record.name) { () throws(SystemError) in try queue.remove() }
        }
        PayloadStore(record)?.removeAll()
    }

    /// "1 message", "3 messages".
    public func detail(of record: DurableRecord) -> String? {
        guard let status = try? queue(record)?.status() else { return nil }
        return "\(status.count) message\(status.count == 1 ? "" : "s")"
    }

    private func queue(_ record: DurableRecord) throws(NaruError) -> SystemVQueue? {
        guard let key = Self.key(record.object) else { return nil }
        do {
            let queue = try SystemVQueue.open(key: key)
            let status = try queue.status()
            return HostInformation.isOwnUser(status.userID) && status.permissions == 0o600 ? queue : nil
        } catch {
            let isGone = [SystemErrno.notFound, SystemErrno.removed, SystemErrno.invalid, SystemErrno.accessDenied]
            if isGone.contains(error.errno) { return nil }
            throw .queue(error, "open", record.name)
        }
    }
}
