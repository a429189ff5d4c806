// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import Synchronization

/// The receiving end of a ``RecordQueue``.
@safe final class InProcessInboundLane: InboundLane {
    /// After so many records, room is given back in the middle of a drain.
    private static let returnInterval: UInt64 = 64

    private let queue: RecordQueue
    // Behind a pointer, so that no access is checked at run time.
    private let state: UnsafeMutablePointer<ReceiverState>
    private let link: LinkID

    /// Becomes the only receiver of `queue`.
    init(_ queue: RecordQueue, link: LinkID) {
        self.queue = queue
        unsafe state = queue.receiver
        self.link = link
    }

    deinit {
        close()
    }

    func drain(_ maximum: Int, _ body: (InboundRecord) -> DrainStep) throws(NaruError) -> Int {
        if unsafe state.pointee.isClosed || state.pointee.closesAfterDrain { throw .laneClosed("receive", link) }
        if unsafe state.pointee.isDraining { throw .laneInUse("receive", link) }
        unsafe state.pointee.isDraining = true
        let first = unsafe state.pointee.position
        var position = first
        var returned = first
        while position - first < UInt64(max(maximum, 0)), queue.isVisible(position) {
            // A visible slot is the receiver's, and holds what the sender wrote there.
            let slot = unsafe queue.slot(at: position)
            let word = unsafe slot.load(fromByteOffset: 8, as: UInt64.self)
            guard let (header, byteCount) = RecordHeader.split(word) else { break }
            let step: DrainStep
            if let message = unsafe queue.message(in: slot) {
                step = unsafe Self.give(message.takeUnretainedValue(), header, to: body)
                if step != .leaveAndStop { unsafe message.release() }
            } else {
                let bytes = unsafe RawSpan(_unsafeStart: slot + 24, byteCount: byteCount)
                step = body(InboundRecord(header: header, bytes: bytes))
            }
            if step == .leaveAndStop { break }
            position += 1
            unsafe state.pointee.position = position
            unsafe state.pointee.bytes += UInt64(byteCount)
            if step == .takeAndStop { break }
            if unsafe state.pointee.closesAfterDrain { break }
            if position - returned == Self.returnInterval || senderSleeps {
                giveBack()
                returned = position
            }
        }
        unsafe state.pointee.isDraining = false
        if position != returned { giveBack() }
        if unsafe state.pointee.closesAfterDrain { close() }
        return Int(position - first)
    }

    /// Gives a message to the closure; the slot's own reference keeps it alive.
    private static func give(
        _ message: OwnedMessage, _ header: RecordHeader, to body: (InboundRecord) -> DrainStep
    ) -> DrainStep {
        body(InboundRecord(header: header, bytes: message.bytes, adopted: message))
    }

    /// Gives the room of everything taken back to the sender.
    private func giveBack() {
        unsafe queue.takenBytes.pointee.store(state.pointee.bytes, ordering: .relaxed)
        unsafe queue.takenRecords.pointee.store(state.pointee.position, ordering: .sequentiallyConsistent)
        queue.wakeSender()
    }

    /// Whether the sender seems to sleep, so that room should not be kept back from it. A hint; ``giveBack()`` decides.
    private var senderSleeps: Bool {
        unsafe queue.senderWord.pointee.load(ordering: .relaxed) != RecordQueue.awake
    }

    // MARK: Waiting

    func arm(_ style: WaitStyle) throws(NaruError) -> WaitTarget {
        if unsafe state.pointee.isClosed || state.pointee.closesAfterDrain { throw .laneClosed("wait", link) }
        let value = RecordQueue.value(of: style)
        unsafe queue.receiverWord.pointee.store(value, ordering: .sequentiallyConsistent)
        let isOver = unsafe queue.closed.pointee.load(ordering: .sequentiallyConsistent) & RecordQueue.senderBit != 0
        // After the look at the closed word: what was sent before the end is visible by now.
        if unsafe queue.isVisibleBeforeSleep(state.pointee.position) { return .ready }
        if isOver { return .ended }
        return switch style {
        case .thread: unsafe .word(UnsafePointer(queue.receiverWord), value: value)
        case .task: .bell
        }
    }

    func disarm() {
        unsafe queue.receiverWord.pointee.store(RecordQueue.awake, ordering: .releasing)
    }

    // MARK: Closing

    func close() {
        if unsafe state.pointee.isClosed { return }
        if unsafe state.pointee.isDraining {
            unsafe state.pointee.closesAfterDrain = true
            return
        }
        unsafe state.pointee.isClosed = true
        queue.closeReceiver()
    }
}
