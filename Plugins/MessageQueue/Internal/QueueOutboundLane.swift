// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// The sending end of a queue of the kernel: a message of the queue for each record.
///
/// The records of a batch for a private queue share messages, as many as fit each, since the kernel takes as long for a
/// message of one record as for a full one. In a queue that others share each message is one record, for one receiver:
///
///     a message of a private queue
///
///          0               8                8 + n      next multiple of 8
///          +---------------+-----------------+----------+---------------+----
///          | header word   | n bytes         | padding  | header word   | …
///          +---------------+-----------------+----------+---------------+----
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
    private var bell: QueueBell? { terms.bell }
    /// The most bytes of a payload that lies in the queue itself.
    private let inlineBytes: Int
    private let overflow: QueueOverflow
    /// Whether something may wait there.
    private var hasOverflown = false
    private let buffer: QueueBuffer
    private var label = MessageLabel()
    private var lentBytes: Int?
    /// A batch is held.
    private var isHolding = false
    /// What of the buffer's payload the held records of a batch take; `nil` where none lies there.
    private var gatheredBytes: Int?
    private var pause = QueuePause()
    /// How many messages were taken when this end last spun.
    private var seenTaken: UInt32 = 0
    private var isClosed = false
    private let onClose: () -> Void

    init(
        _ queue: any KernelQueue, _ terms: Terms, reactor: Reactor, onClose: @escaping () -> Void
    ) {
        self.queue = queue
        self.terms = terms
        self.onClose = onClose
        inlineBytes = queue.maximumBytes - terms.framing.headerBytes
        overflow = QueueOverflow(queue, terms.bell, reactor)
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
        guard try settleOverflow() else { return false }
        if header.kind == .finish, terms.dropsFinish || terms.framing == .raw { return true }
        if isHolding, try gather(header, prefix, bytes) { return true }
        guard try sendGathered() else { return false }
        if isHolding, try gather(header, prefix, bytes) { return true }
        guard byteCount <= inlineBytes else { return try sendAside(header, prefix, bytes) }
        buffer.ensure(byteCount, usual: inlineBytes)
        buffer.write(prefix, at: 0)
        buffer.write(bytes, at: prefix.byteCount)
        if terms.framing == .records { buffer.headerWord = header.word(byteCount: byteCount) }
        return try send(byteCount)
    }

    /// Keeps a record of a batch behind those that are kept already, if it fits their message. The first is kept only
    /// where the queue has room, so that who finds it full learns so.
    private func gather(_ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan) throws(NaruError) -> Bool {
        guard bell != nil, terms.framing == .records else { return false }
        let byteCount = prefix.byteCount + bytes.byteCount
        let word = header.word(byteCount: byteCount)
        var offset = 0
        if let gatheredBytes {
            offset = ((gatheredBytes + 7) & ~7) + RecordHeader.byteCount
            guard offset <= inlineBytes, byteCount <= inlineBytes - offset else { return false }
            buffer.setWord(word, at: offset - RecordHeader.byteCount)
        } else {
            guard byteCount <= inlineBytes, try hasRoom(byteCount: byteCount) else { return false }
            buffer.ensure(inlineBytes, usual: inlineBytes)
            buffer.headerWord = word
        }
        buffer.write(prefix, at: offset)
        buffer.write(bytes, at: offset + prefix.byteCount)
        gatheredBytes = offset + byteCount
        return true
    }

    /// Sends what a batch has kept; `false`: the queue has no room for it now.
    private func sendGathered() throws(NaruError) -> Bool {
        guard let bytes = gatheredBytes else { return true }
        guard try send(bytes) else { return false }
        gatheredBytes = nil
        return true
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
        bell?.hasSent()
        return true
    }

    func setLabel(_ label: MessageLabel) throws(NaruError) {
        if isClosed { throw closed("label") }
        // Fragments must not overtake each other.
        if bell != nil, label != MessageLabel() {
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
        guard try settle(), try hasRoom(byteCount: byteCount) else { return nil }
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
        // Others have filled the queue since the loan was given.
        if try !send(inQueue) { handOver(inQueue) }
    }

    /// The queue has no room for the message in the buffer: a copy of it goes to who tries again.
    private func handOver(_ byteCount: Int) {
        hasOverflown = true
        overflow.put(buffer.copy(byteCount), byteCount: byteCount, label)
    }

    func abort() {
        lentBytes = nil
    }

    // MARK: Batches, flushing, waiting

    func hold() {
        isHolding = true
    }

    func publish() throws(NaruError) {
        if isClosed { throw closed("publish") }
        isHolding = false
        guard try !settle(), let bytes = gatheredBytes else { return }
        gatheredBytes = nil
        // Nothing else waits there: records are kept, and loans given, only once it is empty.
        handOver(bytes)
    }

    func flush() throws(NaruError) -> Bool {
        if isClosed { throw closed("flush") }
        return try settle()
    }

    /// Sends what waits here; whether nothing does any more.
    private func settle() throws(NaruError) -> Bool {
        guard try settleOverflow() else { return false }
        return try sendGathered()
    }

    /// Sends what was handed over, if anything; whether nothing waits there any more.
    private func settleOverflow() throws(NaruError) -> Bool {
        if hasOverflown { hasOverflown = try !overflow.settle() }
        return !hasOverflown
    }

    func spin(_ rounds: Int, byteCount: Int) -> SpinOutcome {
        bell?.spinForRoom(rounds, &seenTaken) ?? .pointless
    }

    func arm(_ style: WaitStyle, byteCount: Int) throws(NaruError) -> WaitTarget {
        if isClosed { throw closed("wait") }
        if let bell { return try arm(style, bell, byteCount) }
        if let descriptor = queue.descriptor { return .descriptor(descriptor, .writable) }
        if try hasRoom(byteCount: byteCount), try settleOverflow() { return .ready }
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
        bell?.disarmSender()
    }

    func close() {
        guard !isClosed else { return }
        _ = try? settle()
        isClosed = true
        lentBytes = nil
        overflow.close()
        bell?.closeSender()
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
