// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

/// The sending end of a ``RecordRing``.
///
/// `@safe`: the state lies in the memory of the ring, which the lane keeps alive, and only the lane's one user touches
/// it; records are touched as the ring permits.
@safe final class InProcessOutboundLane: OutboundLane {
    private let ring: RecordRing
    // Behind a pointer, so that no access is checked at run time.
    private let state: UnsafeMutablePointer<SenderState>
    private let link: LinkID

    /// Becomes the only sender of `ring`.
    init(_ ring: RecordRing, link: LinkID) {
        self.ring = ring
        unsafe state = ring.sender
        self.link = link
    }

    deinit {
        close()
    }

    var maximumRecordBytes: Int { RecordHeader.maximumByteCount }

    // MARK: Loans

    func reserve(_ byteCount: Int) throws(NaruError) -> UnsafeMutableRawBufferPointer? {
        try check("reserve", byteCount)
        guard let start = room(byteCount, adopting: false) else { return nil }
        // A small record is written in the ring, a larger one in the memory of the message it becomes.
        let memory =
            if byteCount <= ring.inlineByteCount {
                unsafe ring.payload(at: start)
            } else {
                UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 16)
            }
        let loan = unsafe UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
        unsafe state.pointee.loan = loan
        unsafe state.pointee.loanStart = start
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
        let start = unsafe state.pointee.loanStart
        if loan.count <= ring.inlineByteCount {
            append(at: start, header, byteCount: byteCount, nil)
        } else if let base = loan.baseAddress {
            // The loan was allocated for this message, which now owns it.
            append(at: start, header, byteCount: byteCount, unsafe OwnedMessage(adopting: base, byteCount: byteCount))
        }
    }

    func abort() {
        guard let loan = unsafe state.pointee.loan else { return }
        unsafe state.pointee.loan = nil
        if loan.count > ring.inlineByteCount { unsafe loan.baseAddress?.deallocate() }
    }

    // MARK: Sending

    func trySend(_ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan) throws(NaruError) -> Bool {
        let byteCount = prefix.byteCount + bytes.byteCount
        try check("send", byteCount)
        guard let start = room(byteCount, adopting: false) else { return false }
        if byteCount <= ring.inlineByteCount {
            unsafe Self.copy(prefix, bytes, to: ring.payload(at: start))
            append(at: start, header, byteCount: byteCount, nil)
        } else {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 16)
            unsafe Self.copy(prefix, bytes, to: memory)
            append(at: start, header, byteCount: byteCount, unsafe OwnedMessage(adopting: memory, byteCount: byteCount))
        }
        return true
    }

    func trySend(_ header: RecordHeader, adopting message: OwnedMessage) throws(NaruError) -> Bool {
        try check("send", message.byteCount)
        guard let start = room(message.byteCount, adopting: true) else { return false }
        append(at: start, header, byteCount: message.byteCount, message)
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

    /// Makes a record of what has room at `start`: at the position, or at the start of the ring behind a wrap.
    private func append(at start: UInt64, _ header: RecordHeader, byteCount: Int, _ message: OwnedMessage?) {
        let end = start + RecordRing.footprint(message == nil ? byteCount : 0)
        let word = header.word(byteCount: byteCount)
        let position = unsafe state.pointee.position
        ring.clear(end)
        ring.setReference(at: start, message)
        unsafe state.pointee.position = end
        if message != nil { unsafe state.pointee.messageBytes += UInt64(byteCount) }
        if start == position {
            show(position, word)
        } else {
            ring.showLater(start, word)
            ring.setWrap(at: position)
            show(position, RecordHeader(kind: .padding).word(byteCount: 0))
        }
    }

    /// Shows a record, unless a batch is held.
    private func show(_ position: UInt64, _ word: UInt64) {
        if unsafe !state.pointee.isHolding {
            ring.show(position, word)
        } else if unsafe state.pointee.held == nil {
            unsafe state.pointee.held = (position, word)
        } else {
            ring.showLater(position, word)
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
        guard let (position, word) = unsafe state.pointee.held else { return }
        unsafe state.pointee.held = nil
        ring.show(position, word)
    }

    // MARK: Waiting

    func spin(_ rounds: Int, byteCount: Int) -> SpinOutcome {
        showHeld()
        if unsafe state.pointee.isClosed { return .found }
        if unsafe RecordRing.sharesCore(ring.senderCore, ring.receiverCore) { return .pointless }
        let known = unsafe state.pointee.returnedPosition
        for _ in 0..<rounds {
            if unsafe ring.returnedPosition.pointee.load(ordering: .relaxed) != known { return .found }
            Processor.spinHint()
        }
        return isAbandoned ? .found : .nothing
    }

    func arm(_ style: WaitStyle, byteCount: Int) throws(NaruError) -> WaitTarget {
        if unsafe state.pointee.isClosed { throw .laneClosed("wait", link) }
        // What is still invisible would never be given back.
        showHeld()
        let value = RecordRing.value(of: style)
        unsafe ring.senderWord.pointee.store(value, ordering: .sequentiallyConsistent)
        if isAbandoned { return .ended }
        // Whichever way the record will be sent.
        let needed = max(byteCount, 0)
        if room(needed, adopting: false) != nil, room(needed, adopting: true) != nil { return .ready }
        return switch style {
        case .thread: unsafe .word(UnsafePointer(ring.senderWord), value: value)
        case .task: .bell
        }
    }

    func disarm() {
        unsafe ring.senderWord.pointee.store(RecordRing.awake, ordering: .releasing)
    }

    /// Where a record of `byteCount` bytes would begin, `nil` when there is no room now. Reads what the receiver gave
    /// back only when there seems to be none.
    private func room(_ byteCount: Int, adopting: Bool) -> UInt64? {
        let isInline = !adopting && byteCount <= ring.inlineByteCount
        let footprint = RecordRing.footprint(isInline ? byteCount : 0)
        let position = unsafe state.pointee.position
        let toEnd = ring.bytesToEnd(from: position)
        let start = footprint <= toEnd ? position : position + toEnd
        let messageByteCount = isInline ? 0 : UInt64(byteCount)
        if fits(start + footprint, messageByteCount) { return start }
        // The position first: the bytes are stored before it, so they are never older.
        unsafe state.pointee.returnedPosition = ring.returnedPosition.pointee.load(ordering: .sequentiallyConsistent)
        unsafe state.pointee.returnedMessageBytes = ring.returnedMessageBytes.pointee.load(ordering: .relaxed)
        return fits(start + footprint, messageByteCount) ? start : nil
    }

    /// Whether a record may end at `end`, with the head of the next one behind it, and `byteCount` bytes of message
    /// more may wait.
    private func fits(_ end: UInt64, _ byteCount: UInt64) -> Bool {
        let used = unsafe end + RecordRing.headByteCount - state.pointee.returnedPosition
        let waiting = unsafe state.pointee.messageBytes - state.pointee.returnedMessageBytes
        return used <= ring.byteCount
            && (byteCount == 0 || waiting == 0 || waiting + byteCount <= ring.messageByteCapacity)
    }

    // MARK: Closing

    func close() {
        guard unsafe !state.pointee.isClosed else { return }
        abort()
        showHeld()
        unsafe state.pointee.isClosed = true
        ring.closeSender()
    }

    /// Whether the receiver's end is closed.
    private var isAbandoned: Bool {
        unsafe ring.closed.pointee.load(ordering: .sequentiallyConsistent) & RecordRing.receiverBit != 0
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
