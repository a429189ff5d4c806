// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// A System V queue: messages have types, by which a receiver can take them out of order. Nothing can poll it.
struct SysvKernelQueue: KernelQueue {
    let queue: SystemVQueue
    let name: String
    let maximumBytes: Int
    /// The most messages beside which a payload may come to lie.
    private let depth: Int

    /// The type of messages that have no other.
    private static let plainType = 1

    /// - Parameters:
    ///   - messageBytes: the most bytes of one message that are used; `nil`: as many as the host permits.
    ///   - depth: the most messages beside which a payload may come to lie.
    init(_ queue: SystemVQueue, _ name: String, messageBytes: Int?, depth: Int) throws(NaruError) {
        self.queue = queue
        self.name = name
        self.depth = depth
        let capacity = try naming("open", name) { () throws(SystemError) in try queue.status().capacity }
        let most = min(QueueLimits.sysv().sysvMessageBytes ?? 8192, capacity)
        maximumBytes = min(messageBytes ?? most, most)
    }

    var descriptor: Descriptor? { nil }

    func trySend(_ room: UnsafeMutableRawBufferPointer, _ label: MessageLabel) throws(NaruError) -> Bool {
        unsafe room.storeBytes(of: label.type == 0 ? Self.plainType : label.type, as: Int.self)
        do {
            return unsafe try queue.trySend(UnsafeRawBufferPointer(room))
        } catch {
            throw .queue(error, "send", name)
        }
    }

    func tryReceive(
        _ room: UnsafeMutableRawBufferPointer, _ selection: MessageSelection
    ) throws(NaruError) -> QueueDelivery {
        let type =
            switch selection {
            case .all: 0
            case .type(let type): type
            case .lowestType(let most): -most
            }
        do {
            guard let byteCount = unsafe try queue.tryReceive(into: room, type: type) else { return .nothing }
            // The kernel wrote the type there.
            return .message(byteCount: byteCount, MessageLabel(type: unsafe room.load(as: Int.self)))
        } catch {
            if error.errno == SystemErrno.tooBig { return .larger }
            throw .queue(error, "receive", name)
        }
    }

    func hasRoom(_ byteCount: Int) throws(NaruError) -> Bool {
        let status = try naming("send", name) { () throws(SystemError) in try queue.status() }
        // As the kernel counts.
        return status.byteCount + byteCount <= status.capacity && status.count + 1 <= status.capacity
    }

    func hasRoomAside() throws(NaruError) -> Bool {
        try naming("send", name) { () throws(SystemError) in try queue.status() }.count < depth
    }

    func isEmpty() throws(NaruError) -> Bool {
        try naming("look at", name) { () throws(SystemError) in try queue.status() }.count == 0
    }

    func check(_ label: MessageLabel) throws(NaruError) {
        guard label.priority == 0 else {
            throw .lane(
                .unsupported, "label", "a System V queue has types and knows no priorities",
                remedy: "use posix-queue, or types and select(.lowestType(upTo:))")
        }
        guard label.type >= 0 else { throw .lane(.invalidArgument, "label", "type \(label.type) is below 1") }
    }

    func check(_ selection: MessageSelection) throws(NaruError) {
        switch selection {
        case .all: return
        case .type(let type), .lowestType(let type):
            guard type >= 1 else { throw .lane(.invalidArgument, "select", "type \(type) is below 1") }
        }
    }
}
