// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

/// A queue of two ends, and how it goes: with ``release()``, or the last reference.
final class PrivateQueue {
    let queue: any KernelQueue
    /// What the other end needs to find it.
    let identity: [UInt8]
    /// What it is passed.
    let descriptors: [Descriptor]
    private var end: (() -> Void)?

    init(
        _ queue: any KernelQueue, identity: [UInt8] = [], descriptors: [Descriptor] = [],
        end: @escaping () -> Void = {}
    ) {
        self.queue = queue
        self.identity = identity
        self.descriptors = descriptors
        self.end = end
    }

    deinit { release() }

    /// Lets go of it. Idempotent.
    func release() {
        end?()
        end = nil
    }

    /// The bytes of a secret.
    static let secretBytes = 16

    /// Puts a secret into the empty queue: who can say it has the queue.
    func put(_ secret: [UInt8]) throws(NaruError) {
        let buffer = QueueBuffer(.raw, capacity: Self.secretBytes)
        buffer.write(unsafe secret.span.bytes, at: 0)
        // The buffer has room for the message.
        guard unsafe try queue.trySend(buffer.message(secret.count), MessageLabel()) else {
            throw .opening(.system, "a new queue has no room for a message of \(secret.count) bytes")
        }
    }

    /// Takes the secret that the other end put there.
    func takeSecret() throws(NaruError) -> [UInt8] {
        let buffer = QueueBuffer(.raw, capacity: max(queue.maximumBytes, Self.secretBytes))
        // The buffer has room for the largest message.
        guard case .message(Self.secretBytes, _) = unsafe try queue.tryReceive(buffer.message(buffer.capacity), .all)
        else { throw .opening(.protocolViolation, "the queue does not hold the peer's secret") }
        return [UInt8](copying: unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(buffer.payload(Self.secretBytes))))
    }
}

/// Makes private queues of one kind, and joins those of a peer.
protocol PrivateQueues {
    func make() throws(NaruError) -> PrivateQueue
    /// - Throws: ``NaruError/Code/protocolViolation`` for what is no queue, or not one of the peer's.
    func join(_ identity: [UInt8], _ descriptors: [Descriptor]) throws(NaruError) -> PrivateQueue
}

/// POSIX queues without a name: an open queue is a descriptor, and is passed as one.
struct PrivatePosixQueues: PrivateQueues {
    let size: QueueSize

    func make() throws(NaruError) -> PrivateQueue {
        let name = "/" + MomentaryName.text("queue")
        let queue = try naming("make", name) { () throws(SystemError) in try unnamed(name) }
        let passed = try naming("pass", name) { () throws(SystemError) in try queue.descriptor.duplicate() }
        return PrivateQueue(try PosixKernelQueue(queue), descriptors: [passed])
    }

    /// Makes a queue and takes its name away, and any that it meets: who made that has it open, or was killed here.
    private func unnamed(_ name: String) throws(SystemError) -> POSIXQueue {
        for _ in 0..<Self.attempts {
            do throws(SystemError) {
                let queue = try POSIXQueue.create(name, depth: size.depth, messageBytes: size.messageBytes)
                try Self.remove(name)
                return queue
            } catch {
                guard error.errno == SystemErrno.exists else { throw error }
            }
            // Another user's may lie there, to be in the way.
            do throws(SystemError) { try Self.remove(name) } catch { break }
        }
        let other = name + "-" + String(SystemRandom.word(), radix: 36)
        let queue = try POSIXQueue.create(other, depth: size.depth, messageBytes: size.messageBytes)
        try Self.remove(other)
        return queue
    }

    /// How often other makers at the same moment may be met.
    private static let attempts = 64

    /// Somebody else may have removed it.
    private static func remove(_ name: String) throws(SystemError) {
        do throws(SystemError) {
            try POSIXQueue.remove(name)
        } catch {
            if error.errno != SystemErrno.notFound { throw error }
        }
    }

    func join(_ identity: [UInt8], _ descriptors: [Descriptor]) throws(NaruError) -> PrivateQueue {
        guard identity.isEmpty, descriptors.count == 1, let descriptor = descriptors.first else {
            throw .opening(.protocolViolation, "the peer passed \(descriptors.count) descriptors instead of a queue")
        }
        let queue = POSIXQueue(adopting: descriptor, name: "private queue")
        guard let status = try? queue.status(), let file = try? descriptor.status() else {
            throw .opening(.protocolViolation, "the peer passed a descriptor that is no queue")
        }
        guard HostInformation.isOwnUser(file.userID), file.permissions & 0o077 == 0,
            (MessageQueueConfiguration.leastMessageBytes...1 << 24).contains(status.messageBytes)
        else {
            throw .opening(
                .protocolViolation,
                "the peer passed a queue of user \(file.userID), messages of \(status.messageBytes) bytes")
        }
        return PrivateQueue(try PosixKernelQueue(queue))
    }
}

/// System V queues that a sidecar names, and that go with the last of their two ends. Of two that are killed at once
/// the queue stays until the next process that makes one here, or `naru clean`, finds its sidecar free.
struct PrivateSysvQueues: PrivateQueues {
    private let transport: SysvQueueTransport
    private let size: QueueSize
    private let directories: RuntimeDirectories

    init(_ transport: SysvQueueTransport, size: QueueSize, directories: RuntimeDirectories) {
        self.transport = transport
        self.size = size
        self.directories = directories
    }

    /// The folders that were cleaned up since this process began: once is enough, whoever is killed later leaves it to
    /// the next.
    private static let cleaned = Mutex<Set<RuntimeDirectories>>([])

    func make() throws(NaruError) -> PrivateQueue {
        if Self.cleaned.withLock({ $0.insert(directories).inserted }) {
            DurableObjects.removeDead(transport, in: directories)
        }
        let link = "private-\(String(SystemRandom.word(), radix: 36))"
        let hold = try DurableObjects.hold(link, transport, in: directories, isTransient: true) {
            (
                "0x" + String(UInt32(bitPattern: QueueAttaching.newKey()), radix: 16),
                [
                    QueueAttaching.depthTerm: "\(size.depth)",
                    QueueAttaching.messageBytesTerm: "\(size.messageBytes)",
                ]
            )
        }
        // Nobody else knows the name.
        guard let hold else { throw .opening(.busy, "somebody else holds the sidecar of a new queue") }
        return try queue(hold, identity: Array(hold.path.utf8))
    }

    func join(_ identity: [UInt8], _ descriptors: [Descriptor]) throws(NaruError) -> PrivateQueue {
        let path = String(decoding: identity, as: UTF8.self)
        guard descriptors.isEmpty, path.hasPrefix("/"), path.hasSuffix(".object"), path.utf8.count < 4096,
            !path.utf8.contains(0), Array(path.utf8) == identity
        else { throw .opening(.protocolViolation, "the peer names no sidecar of a queue") }
        guard let hold = try DurableObjects.join(path: path, transport) else {
            throw .opening(
                .protocolViolation, "the peer's queue is not there: its sidecar \(path.prefix(200)) names none")
        }
        return try queue(hold, identity: [])
    }

    private func queue(_ hold: DurableHold, identity: [UInt8]) throws(NaruError) -> PrivateQueue {
        do throws(NaruError) {
            let queue = try SysvKernelQueue(
                try SysvQueueTransport.open(hold.record), hold.record.name,
                messageBytes: (QueueSize(hold.record) ?? size).messageBytes, depth: size.depth)
            return PrivateQueue(queue, identity: identity) { [transport] in hold.releaseAndRemove(transport) }
        } catch {
            hold.releaseAndRemove(transport)
            throw error
        }
    }
}
