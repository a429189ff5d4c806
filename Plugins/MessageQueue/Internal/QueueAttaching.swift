// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// How large a queue is made.
struct QueueSize {
    var depth: Int
    var messageBytes: Int

    init(depth: Int, messageBytes: Int) {
        self.depth = depth
        self.messageBytes = messageBytes
    }

    /// As a queue's sidecar says; `nil` where it says nothing that can be.
    init?(_ record: DurableRecord) {
        guard let depth = record.terms[QueueAttaching.depthTerm].flatMap({ Int($0) }), depth > 0,
            let messageBytes = record.terms[QueueAttaching.messageBytesTerm].flatMap({ Int($0) }),
            messageBytes >= MessageQueueConfiguration.leastMessageBytes
        else { return nil }
        self.init(depth: depth, messageBytes: messageBytes)
    }
}

extension PayloadStore {
    /// The place that a queue's sidecar names; `nil` where that is no place of this queue's.
    init?(_ record: DurableRecord) {
        guard let folder = record.terms[QueueAttaching.payloadsTerm],
            let last = folder.split(separator: "/").last, last.hasPrefix(record.name + "-"), folder.hasPrefix("/")
        else { return nil }
        self.init(folder: folder)
    }
}

/// Attaching to queues of either kind.
enum QueueAttaching {
    static let depthTerm = "depth"
    static let messageBytesTerm = "messageBytes"
    static let directionTerm = "direction"
    static let payloadsTerm = "payloads"

    /// A key for a System V queue; one that is taken is found so when the queue is made.
    static func newKey() -> Int32 {
        // Not 0, which would name no queue.
        Int32(truncatingIfNeeded: SystemRandom.word()) | 1
    }

    /// Opens one end of a link's own queue.
    static func attach(
        _ link: String, _ request: AttachRequest, _ medium: some DurableMedium, size: QueueSize,
        _ configuration: MessageQueueConfiguration, open: (DurableRecord) throws(NaruError) -> any KernelQueue
    ) throws(NaruError) -> AttachStep {
        let direction = request.requirements.direction
        let name = DurableRecord.name(of: link)
        let hold = try DurableObjects.hold(link, medium, in: request.directories) {
            let object =
                medium.name == .posixQueue
                ? "/" + name : "0x" + String(UInt32(bitPattern: newKey()), radix: 16)
            return (
                object,
                [
                    depthTerm: "\(size.depth)", messageBytesTerm: "\(size.messageBytes)",
                    directionTerm: direction.rawValue,
                    payloadsTerm: payloadFolder(name, configuration, request.directories),
                ]
            )
        }
        guard let hold else { return .notYet("another end makes or removes the queue of \(link)") }
        do throws(NaruError) {
            let made = hold.record.terms[directionTerm] ?? ""
            guard made == direction.rawValue else {
                throw NaruError(
                    .refused, operation: "attach", object: name,
                    reason: "the queue was made for direction \(made); this end asks for \(direction)",
                    remedy: "ask for \(made), or remove the queue with `naru clean --durable`")
            }
            let queue = try open(hold.record)
            let payloads = PayloadStore(hold.record)
            try sweep(hold, queue, payloads)
            return .attached(
                Attachment(
                    lanes: lanes(queue, payloads, request, hold), id: hold.record.id, delivery: .handedOver))
        } catch {
            hold.release()
            // Somebody removes the queue at this moment: the next attempt makes another.
            if error.code == .busy { return .notYet(error.reason) }
            throw error
        }
    }

    private static func lanes(
        _ queue: any KernelQueue, _ payloads: PayloadStore?, _ request: AttachRequest, _ hold: DurableHold
    ) -> Lanes {
        let maximum = min(request.requirements.maximumMessageBytes, RecordHeader.maximumByteCount)
        var lanes = Lanes()
        if request.sends {
            let terms = QueueOutboundLane.Terms(
                payloads: payloads, maximumBytes: maximum, dropsFinish: request.requirements.direction == .queue)
            lanes.outbound = QueueOutboundLane(queue, terms, reactor: request.reactor) { hold.release() }
        }
        if request.receives {
            lanes.inbound = QueueInboundLane(queue, .records, payloads: payloads, maximumBytes: maximum) {
                hold.release()
            }
        }
        return lanes
    }

    /// Opens one end of a queue that belongs to other programs.
    static func attachForeign(
        _ request: AttachRequest, open: () throws(NaruError) -> any KernelQueue
    ) throws(NaruError) -> AttachStep {
        let queue: any KernelQueue
        do throws(NaruError) {
            queue = try open()
        } catch {
            // Whoever owns it may be about to make it.
            guard error.code == .unreachable else { throw error }
            return .notYet("\(error.object) is not there: \(error.reason)")
        }
        var lanes = Lanes()
        if request.sends {
            lanes.outbound = QueueOutboundLane(
                queue, QueueOutboundLane.Terms(framing: .raw), reactor: request.reactor
            ) {}
        }
        if request.receives { lanes.inbound = QueueInboundLane(queue, .raw, maximumBytes: 0) {} }
        return .attached(Attachment(lanes: lanes, delivery: .handedOver))
    }

    /// Removes payloads that belong to no message: their takers or senders were killed. Only who is alone with a queue
    /// that is empty knows that there are none.
    private static func sweep(
        _ hold: DurableHold, _ queue: any KernelQueue, _ payloads: PayloadStore?
    ) throws(NaruError) {
        guard let payloads, payloads.isThere else { return }
        _ = try hold.alone { () throws(NaruError) in
            if try queue.isEmpty() { payloads.removePayloads() }
        }
    }

    /// Where a new queue's payloads are to lie.
    private static func payloadFolder(
        _ name: String, _ configuration: MessageQueueConfiguration, _ directories: RuntimeDirectories
    ) -> String {
        let last = name + "-" + String(SystemRandom.word(), radix: 16)
        let preferred = try? FileSystem.status(configuration.payloadFolder, followingSymbolicLinks: true)
        let folder = preferred?.kind == .directory ? configuration.payloadFolder : directories.paths.first ?? "/tmp"
        return folder + "/" + last
    }
}
