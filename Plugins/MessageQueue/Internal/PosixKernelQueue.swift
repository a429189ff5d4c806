// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// A POSIX queue: sorted by priority, and can be polled.
struct PosixKernelQueue: KernelQueue {
    private let queue: POSIXQueue
    let maximumBytes: Int

    init(_ queue: POSIXQueue) throws(NaruError) {
        self.queue = queue
        maximumBytes = try naming("open", queue.name) { () throws(SystemError) in try queue.status().messageBytes }
    }

    var name: String { queue.name }
    var descriptor: Descriptor? { queue.descriptor }

    func trySend(_ room: UnsafeMutableRawBufferPointer, _ label: MessageLabel) throws(NaruError) -> Bool {
        // Behind the place of a type, which this kind of queue has not.
        let message = unsafe UnsafeRawBufferPointer(rebasing: room[SystemVQueue.typeBytes...])
        do {
            return unsafe try queue.trySend(message, priority: label.priority)
        } catch {
            throw .queue(error, "send", name)
        }
    }

    func tryReceive(
        _ room: UnsafeMutableRawBufferPointer, _ selection: MessageSelection
    ) throws(NaruError) -> QueueDelivery {
        let place = unsafe UnsafeMutableRawBufferPointer(rebasing: room[SystemVQueue.typeBytes...])
        do {
            guard let (byteCount, priority) = unsafe try queue.tryReceive(into: place) else { return .nothing }
            return .message(byteCount: byteCount, MessageLabel(priority: priority))
        } catch {
            throw .queue(error, "receive", name)
        }
    }

    func hasRoom(_ byteCount: Int) throws(NaruError) -> Bool {
        let status = try naming("send", name) { () throws(SystemError) in try queue.status() }
        return status.count < status.depth
    }

    func hasRoomAside() throws(NaruError) -> Bool { try hasRoom(0) }

    func isEmpty() throws(NaruError) -> Bool {
        try naming("look at", name) { () throws(SystemError) in try queue.status() }.count == 0
    }

    func check(_ label: MessageLabel) throws(NaruError) {
        guard label.type == 0 else {
            throw .lane(
                .unsupported, "label", "a POSIX queue sorts by priority and knows no types",
                remedy: "use sysv-queue, or a priority")
        }
        guard (0...POSIXQueue.maximumPriority).contains(label.priority) else {
            throw .lane(
                .invalidArgument, "label",
                "priority \(label.priority) is not from 0 to \(POSIXQueue.maximumPriority)")
        }
    }

    func check(_ selection: MessageSelection) throws(NaruError) {
        guard selection == .all else {
            throw .lane(
                .unsupported, "select", "a POSIX queue gives the highest priority first and knows no types",
                remedy: "use sysv-queue")
        }
    }
}
