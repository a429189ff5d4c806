// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// The sending end of a queue of the kernel: a message of the queue for each record.
// Safe: the loan lies in a buffer that this lane keeps as it is until commit or abort.
@safe final class QueueOutboundLane: OutboundLane {
    /// What the two ways to a queue differ in.
    struct Terms {
        var framing = QueueFraming.records
        /// Where payloads lie that are too large for the queue; `nil` where the core cuts them.
        var payloads: PayloadStore?
        /// The most bytes of a record where there is such a place.
        var maximumBytes = 0
        /// Wakes the one receiver of a private queue, and tells of its end; `nil` for queues that others share.
        var bell: QueueBell?
        /// Whether no receiver is to learn that this sender has finished: there are others.
        var dropsFinish = false
    }

    private let queue: any KernelQueue
    private let terms: Terms
    /// The most bytes of a payload that lies in the queue itself.
    private let inlineBytes: Int
    private let overflow: QueueOverflow
    private var buffer: QueueBuffer
    private var label = MessageLabel()
    private var lentBytes: Int?
    private var pause = QueuePause()
    private var isClosed = false
    private let onClose: () -> Void

    init(
        _ queue: any KernelQueue, _ terms: Terms, reactor: Reactor, onClose: @escaping () -> Void
    ) {
        self.queue = queue
        self.terms = terms
        self.onClose = onClose
        inlineBytes = queue.maximumBytes - terms.framing.headerBytes
        overflow = QueueOverflow(queue, reactor)
        buffer = QueueBuffer(terms.framing, capacity: max(inlineBytes, Self.referenceBytes))
    }

    deinit {
        close()
    }

    /// A claim check: the header word of the record it stands for, and the payload's name.
    static let referenceBytes = 16

    var maximumRecordBytes: Int {
        switch terms.framing {
        // Another program's queue takes no fragments: what is too large is refused here.
        case .raw: RecordHeader.maximumByteCount
        case .records: terms.payloads == nil ? inlineBytes : max(inlineBytes, terms.maximumBytes)
        }
    }

    // MARK: Sending

    func trySend(_ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan) throws(NaruError) -> Bool {
        let byteCount = prefix.byteCount + bytes.byteCount
        try check("send", byteCount)
        guard try overflow.settle() else { return false }
        if header.kind == .finish, terms.dropsFinish || terms.framing == .raw { return true }
        guard byteCount <= inlineBytes else { return try sendAside(header, prefix, bytes) }
        buffer.ensure(byteCount, usual: inlineBytes)
        buffer.write(prefix, at: 0)
        buffer.write(bytes, at: prefix.byteCount)
        if terms.framing == .records { buffer.headerWord = header.word(byteCount: byteCount) }
        return try send(byteCount)
    }

    /// Sends a claim check in the payload's stead.
    private func sendAside(
        _ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan
    ) throws(NaruError) -> Bool {
        guard let payloads = terms.payloads, try hasRoom(byteCount: prefix.byteCount + bytes.byteCount) else {
            return false
        }
        let token = SystemRandom.word()
        try payloads.put(token, prefix, bytes)
        writeReference(header, prefix.byteCount + bytes.byteCount, token)
        do throws(NaruError) {
            if try send(Self.referenceBytes) { return true }
        } catch {
            payloads.discard(token)
            throw error
        }
        // Others have filled the queue meanwhile.
        payloads.discard(token)
        return false
    }

    /// Whether there is room for a record, in the queue or beside it.
    private func hasRoom(byteCount: Int) throws(NaruError) -> Bool {
        let header = terms.framing.headerBytes
        guard byteCount > inlineBytes else { return try queue.hasRoom(header + byteCount) }
        guard try queue.hasRoomAside() else { return false }
        return try queue.hasRoom(header + Self.referenceBytes)
    }

    private func writeReference(_ header: RecordHeader, _ byteCount: Int, _ token: UInt64) {
        buffer.ensure(Self.referenceBytes, usual: inlineBytes)
        buffer.headerWord = RecordHeader(kind: .outOfLine).word(byteCount: Self.referenceBytes)
        buffer.setWord(header.word(byteCount: byteCount), at: 0)
        buffer.setWord(token, at: 8)
    }

    /// Sends the message in the buffer.
    private func send(_ byteCount: Int) throws(NaruError) -> Bool {
        // The buffer is this lane's, and as large as the message.
        guard unsafe try queue.trySend(buffer.message(byteCount), label) else { return false }
        pause.reset()
        terms.bell?.wakeReceiver()
        return true
    }

    func setLabel(_ label: MessageLabel) throws(NaruError) {
        if isClosed { throw closed("label") }
        // Fragments must not overtake each other.
        if terms.bell != nil, label != MessageLabel() {
            throw .lane(
                .unsupported, "label", "a private queue gives messages in the order in which they were sent",
                remedy: "require priority or selective, for a queue that holds its messages")
        }
        try queue.check(label)
        self.label = label
    }

    // MARK: Loans

    func reserve(_ byteCount: Int) throws(NaruError) -> UnsafeMutableRawBufferPointer? {
        try check("reserve", byteCount)
        guard try overflow.settle(), try hasRoom(byteCount: byteCount) else { return nil }
        buffer.ensure(byteCount, usual: inlineBytes)
        lentBytes = byteCount
        return unsafe buffer.payload(byteCount)
    }

    func commit(_ header: RecordHeader, byteCount: Int) throws(NaruError) {
        if isClosed { throw closed("commit") }
        guard let lentBytes, byteCount >= 0, byteCount <= lentBytes else {
            throw .lane(.invalidArgument, "commit", "no loan of \(byteCount) bytes is out")
        }
        self.lentBytes = nil
        var inQueue = byteCount
        if byteCount > inlineBytes, let payloads = terms.payloads {
            let token = SystemRandom.word()
            // The loan is over, so the span is the only way to its bytes.
            let bytes = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(buffer.payload(byteCount)))
            try payloads.put(token, RawSpan(), bytes)
            writeReference(header, byteCount, token)
            inQueue = Self.referenceBytes
        } else if terms.framing == .records {
            buffer.headerWord = header.word(byteCount: byteCount)
        }
        guard try !send(inQueue) else { return }
        // Others have filled the queue since the loan was given: the buffer goes to who tries again.
        overflow.put(buffer, byteCount: inQueue, label)
        buffer = QueueBuffer(terms.framing, capacity: max(inlineBytes, Self.referenceBytes))
    }

    func abort() {
        lentBytes = nil
    }

    // MARK: Batches, flushing, waiting

    func hold() {}

    func publish() throws(NaruError) {
        if isClosed { throw closed("publish") }
    }

    func flush() throws(NaruError) -> Bool {
        if isClosed { throw closed("flush") }
        return try overflow.settle()
    }

    func arm(_ style: WaitStyle, byteCount: Int) throws(NaruError) -> WaitTarget {
        if isClosed { throw closed("wait") }
        if let bell = terms.bell { return try arm(style, bell, byteCount) }
        if let descriptor = queue.descriptor { return .descriptor(descriptor, .writable) }
        if try hasRoom(byteCount: byteCount), try overflow.settle() { return .ready }
        return pause.next()
    }

    /// Arms, then looks again.
    private func arm(_ style: WaitStyle, _ bell: QueueBell, _ byteCount: Int) throws(NaruError) -> WaitTarget {
        let target = bell.armSender(style)
        if bell.isReceiverClosed {
            bell.disarmSender()
            return .ended
        }
        guard try hasRoom(byteCount: byteCount) else { return target }
        bell.disarmSender()
        return .ready
    }

    func disarm() {
        terms.bell?.disarmSender()
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        lentBytes = nil
        overflow.close()
        terms.bell?.closeSender()
        onClose()
    }

    private func check(_ operation: String, _ byteCount: Int) throws(NaruError) {
        if isClosed { throw closed(operation) }
        guard lentBytes == nil else { throw .lane(.reentrant, operation, "a loan is out") }
        let most = terms.framing == .raw ? inlineBytes : maximumRecordBytes
        guard byteCount <= most else {
            throw .lane(
                .messageTooLarge, operation, "a message of \(byteCount) bytes, above the \(most) of \(queue.name)")
        }
    }

    private func closed(_ operation: String) -> NaruError { .lane(.closed, operation, "the lane is closed") }
}
