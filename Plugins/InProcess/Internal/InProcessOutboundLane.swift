// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import Synchronization

/// The sending end of a ``RecordQueue``.
@safe final class InProcessOutboundLane: OutboundLane {
    private let queue: RecordQueue
    // Behind a pointer, so that no access is checked at run time.
    private let state: UnsafeMutablePointer<SenderState>
    private let link: LinkID

    /// Becomes the only sender of `queue`.
    init(_ queue: RecordQueue, link: LinkID) {
        self.queue = queue
        unsafe state = queue.sender
        self.link = link
    }

    deinit {
        close()
    }

    var maximumRecordBytes: Int { RecordHeader.maximumByteCount }

    // MARK: Loans

    func reserve(_ byteCount: Int) throws(NaruError) -> UnsafeMutableRawBufferPointer? {
        try check("reserve", byteCount)
        guard hasRoom(byteCount) else { return nil }
        // A small record is written in its slot, a larger one in the memory of the message it becomes.
        let memory =
            if byteCount <= RecordQueue.inlineByteCount {
                unsafe queue.slot(at: state.pointee.position) + 24
            } else {
                UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 16)
            }
        let loan = unsafe UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
        unsafe state.pointee.loan = loan
        return unsafe loan
    }

    func commit(_ header: RecordHeader, byteCount: Int) throws(NaruError) {
        guard let loan = unsafe state.pointee.loan, (0...loan.count).contains(byteCount) else {
            if unsafe state.pointee.isClosed { throw .laneClosed("commit", link) }
            throw NaruError(
                .invalidArgument, operation: "commit", object: "in-process link \(link)",
                reason: "no loan of \(byteCount) bytes is out")
        }
        if isAbandoned {
            abort()
            throw peerVanished("commit")
        }
        unsafe state.pointee.loan = nil
        if loan.count <= RecordQueue.inlineByteCount {
            append(header, byteCount: byteCount, nil)
        } else if let base = loan.baseAddress {
            // The loan was allocated for this message, which now owns it.
            append(header, byteCount: byteCount, unsafe OwnedMessage(adopting: base, byteCount: byteCount))
        }
    }

    func abort() {
        guard let loan = unsafe state.pointee.loan else { return }
        unsafe state.pointee.loan = nil
        if loan.count > RecordQueue.inlineByteCount { unsafe loan.baseAddress?.deallocate() }
    }

    // MARK: Sending

    func trySend(_ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan) throws(NaruError) -> Bool {
        let byteCount = prefix.byteCount + bytes.byteCount
        try check("send", byteCount)
        guard hasRoom(byteCount) else { return false }
        if byteCount <= RecordQueue.inlineByteCount {
            unsafe Self.copy(prefix, bytes, to: queue.slot(at: state.pointee.position) + 24)
            append(header, byteCount: byteCount, nil)
        } else {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 16)
            unsafe Self.copy(prefix, bytes, to: memory)
            append(header, byteCount: byteCount, unsafe OwnedMessage(adopting: memory, byteCount: byteCount))
        }
        return true
    }

    func trySend(_ header: RecordHeader, adopting message: OwnedMessage) throws(NaruError) -> Bool {
        try check("send", message.byteCount)
        guard hasRoom(message.byteCount) else { return false }
        append(header, byteCount: message.byteCount, message)
        return true
    }

    /// Copies both, one behind the other. `memory` has room for both.
    private static func copy(_ prefix: RawSpan, _ bytes: RawSpan, to memory: UnsafeMutableRawPointer) {
        unsafe prefix.withUnsafeBytes { source in
            if let base = source.baseAddress { unsafe memory.copyMemory(from: base, byteCount: source.count) }
        }
        unsafe bytes.withUnsafeBytes { source in
            if let base = source.baseAddress {
                unsafe (memory + prefix.byteCount).copyMemory(from: base, byteCount: source.count)
            }
        }
    }

    /// Puts a record into the next slot, which has room.
    private func append(_ header: RecordHeader, byteCount: Int, _ message: OwnedMessage?) {
        let position = unsafe state.pointee.position
        queue.write(at: position, header, byteCount: byteCount, message)
        unsafe state.pointee.position = position + 1
        unsafe state.pointee.bytes += UInt64(byteCount)
        if unsafe !state.pointee.isHolding {
            queue.show(position)
        } else if unsafe state.pointee.firstHeld == nil {
            unsafe state.pointee.firstHeld = position
        } else {
            queue.showLater(position)
        }
    }

    // MARK: Batches

    func hold() {
        unsafe state.pointee.isHolding = true
    }

    func publish() throws(NaruError) {
        if unsafe state.pointee.isClosed { throw .laneClosed("publish", link) }
        unsafe state.pointee.isHolding = false
        showHeld()
    }

    func flush() throws(NaruError) -> Bool {
        if unsafe state.pointee.isClosed { throw .laneClosed("flush", link) }
        if isAbandoned { throw peerVanished("flush") }
        showHeld()
        return true
    }

    private func showHeld() {
        guard let first = unsafe state.pointee.firstHeld else { return }
        unsafe state.pointee.firstHeld = nil
        queue.show(first)
    }

    // MARK: Waiting

    func arm(_ style: WaitStyle, byteCount: Int) throws(NaruError) -> WaitTarget {
        if unsafe state.pointee.isClosed { throw .laneClosed("wait", link) }
        // What is still invisible would never be given back.
        showHeld()
        let value = RecordQueue.value(of: style)
        unsafe queue.senderWord.pointee.store(value, ordering: .sequentiallyConsistent)
        if isAbandoned { return .ended }
        if hasRoom(byteCount) { return .ready }
        return switch style {
        case .thread: unsafe .word(UnsafePointer(queue.senderWord), value: value)
        case .task: .bell
        }
    }

    func disarm() {
        unsafe queue.senderWord.pointee.store(RecordQueue.awake, ordering: .releasing)
    }

    /// Whether a record of `byteCount` bytes fits now. Reads the receiver's counts only when it seems not to.
    private func hasRoom(_ byteCount: Int) -> Bool {
        if fits(byteCount) { return true }
        // Records first: the bytes are stored before them, so they are never older.
        unsafe state.pointee.takenRecords = queue.takenRecords.pointee.load(ordering: .sequentiallyConsistent)
        unsafe state.pointee.takenBytes = queue.takenBytes.pointee.load(ordering: .relaxed)
        return fits(byteCount)
    }

    private func fits(_ byteCount: Int) -> Bool {
        let records = unsafe state.pointee.position - state.pointee.takenRecords
        if records == 0 { return true }
        let bytes = unsafe state.pointee.bytes - state.pointee.takenBytes
        return records < queue.recordCapacity && bytes + UInt64(byteCount) <= queue.byteCapacity
    }

    // MARK: Closing

    func close() {
        guard unsafe !state.pointee.isClosed else { return }
        abort()
        showHeld()
        unsafe state.pointee.isClosed = true
        queue.closeSender()
    }

    /// Whether the receiver's end is closed.
    private var isAbandoned: Bool {
        unsafe queue.closed.pointee.load(ordering: .sequentiallyConsistent) & RecordQueue.receiverBit != 0
    }

    private func check(_ operation: String, _ byteCount: Int) throws(NaruError) {
        guard unsafe !state.pointee.isClosed, unsafe state.pointee.loan == nil, !isAbandoned,
            (0...RecordHeader.maximumByteCount).contains(byteCount)
        else { throw refusal(operation, byteCount) }
    }

    @inline(never)
    private func refusal(_ operation: String, _ byteCount: Int) -> NaruError {
        if unsafe state.pointee.isClosed { return .laneClosed(operation, link) }
        if isAbandoned { return peerVanished(operation) }
        if unsafe state.pointee.loan != nil { return .laneInUse(operation, link) }
        return NaruError(
            byteCount < 0 ? .invalidArgument : .messageTooLarge, operation: operation,
            object: "in-process link \(link)",
            reason: "a record has 0 to \(RecordHeader.maximumByteCount) bytes (not \(byteCount))")
    }

    @inline(never)
    private func peerVanished(_ operation: String) -> NaruError {
        NaruError(
            .peerVanished, operation: operation, object: "in-process link \(link)",
            reason: "the receiving end is closed")
    }
}
