// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// The receiving end of a queue of the kernel. A message that was taken out of the queue and not yet by the user is
/// kept here, and lost with this end: on a queue of many receivers each message is given at most once.
// Safe: what is lent lies in a buffer, or a message, that this lane keeps as it is until the closure has returned.
@safe final class QueueInboundLane: InboundLane {
    /// What lies in the lane's own memory.
    private enum Front {
        case none
        /// A record in the buffer's payload.
        case inBuffer(RecordHeader, offset: Int, byteCount: Int)
        /// A large one that was fetched.
        case fetched(RecordHeader, OwnedMessage)
    }

    private let queue: any KernelQueue
    private let framing: QueueFraming
    private let payloads: PayloadStore?
    private let maximumBytes: Int
    /// Wakes the one sender of a private queue, and tells of its end; `nil` for queues that others share.
    private let bell: QueueBell?
    private let buffer: QueueBuffer
    private var front = Front.none
    /// Where in the buffer's payload the record behind the front one begins, and where the message ends.
    private var next = 0
    private var messageEnd = 0
    private(set) var label = MessageLabel()
    private var selection = MessageSelection.all
    private var pause = QueuePause()
    private var isDraining = false
    private var isClosed = false
    private var violation: NaruError?
    private let onClose: () -> Void

    /// - Parameter maximumBytes: the largest payload that is fetched.
    init(
        _ queue: any KernelQueue, _ framing: QueueFraming, payloads: PayloadStore? = nil, maximumBytes: Int,
        bell: QueueBell? = nil, onClose: @escaping () -> Void
    ) {
        self.bell = bell
        self.queue = queue
        self.framing = framing
        self.payloads = payloads
        self.maximumBytes = maximumBytes
        self.onClose = onClose
        buffer = QueueBuffer(framing, capacity: max(queue.maximumBytes, RecordHeader.byteCount))
    }

    deinit {
        close()
    }

    // MARK: Receiving

    func drain(_ maximum: Int, _ body: (InboundRecord) -> DrainStep) throws(NaruError) -> Int {
        try check("receive")
        isDraining = true
        defer {
            isDraining = false
            if isClosed { onClose() }
        }
        var taken = 0
        while taken < maximum, !isClosed, taken == 0 || mayHoldMore, try fetch() {
            let step = lend(body)
            if step == .leaveAndStop { break }
            front = .none
            taken += 1
            if step == .takeAndStop { break }
        }
        return taken
    }

    /// Whether a record lies in the lane's own memory.
    private var holdsRecord: Bool {
        if case .none = front { next < messageEnd } else { true }
    }

    /// Whether to ask the queue for another message: not where the sender has counted none, and a call would be in
    /// vain.
    private var mayHoldMore: Bool { holdsRecord || bell?.holdsMessage ?? true }

    private func lend(_ body: (InboundRecord) -> DrainStep) -> DrainStep {
        switch front {
        case .none: return .leaveAndStop
        case .inBuffer(let header, let offset, let byteCount):
            // Nobody writes the buffer until the front was taken.
            let bytes = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(buffer.payload(byteCount, at: offset)))
            return body(InboundRecord(header: header, bytes: bytes))
        case .fetched(let header, let message):
            return body(InboundRecord(header: header, bytes: message.bytes, adopted: message))
        }
    }

    /// Takes a message out of the queue, unless one lies here; whether one does now.
    private func fetch() throws(NaruError) -> Bool {
        guard case .none = front else { return true }
        if next < messageEnd {
            guard messageEnd - next >= RecordHeader.byteCount else { throw violated("a message that ends in a header") }
            try place(buffer.word(at: next), at: next + RecordHeader.byteCount)
            return true
        }
        while true {
            // The buffer is this lane's, and no record lies in it.
            switch unsafe try queue.tryReceive(buffer.message(buffer.capacity), selection) {
            case .nothing: return false
            case .larger: buffer.ensure(buffer.capacity * 2, usual: buffer.capacity * 2)
            case .message(let byteCount, let label):
                pause.reset()
                bell?.hasTaken()
                if bell == nil { self.label = label }
                try accept(byteCount)
                return true
            }
        }
    }

    /// Checks what was received; everything in it is another process's word.
    private func accept(_ byteCount: Int) throws(NaruError) {
        guard framing == .records else {
            front = .inBuffer(RecordHeader(), offset: 0, byteCount: byteCount)
            return
        }
        guard byteCount >= RecordHeader.byteCount else { throw violated("a message of \(byteCount) bytes, no record") }
        messageEnd = byteCount - RecordHeader.byteCount
        try place(buffer.headerWord, at: 0)
    }

    /// Makes the record whose payload begins at `offset` the front one, after checking its header word.
    private func place(_ word: UInt64, at offset: Int) throws(NaruError) {
        let rest = messageEnd - offset
        // Only a private queue's messages hold several records.
        guard let (header, length) = RecordHeader.split(word), bell == nil ? length == rest : length <= rest
        else { throw violated("a message of \(messageEnd + RecordHeader.byteCount) bytes that is no record of Naru's") }
        next = (offset + length + 7) & ~7
        guard header.kind == .outOfLine else {
            front = .inBuffer(header, offset: offset, byteCount: length)
            return
        }
        guard let payloads, length == QueueOutboundLane.referenceBytes,
            let (original, size) = RecordHeader.split(buffer.word(at: 0)), size <= maximumBytes
        else { throw violated("a reference to a payload that cannot be") }
        front = .fetched(original, try payloads.take(buffer.word(at: 8), byteCount: size))
    }

    private func violated(_ what: String) -> NaruError {
        let error = NaruError.lane(.protocolViolation, "receive", what)
        violation = error
        return error
    }

    func select(_ selection: MessageSelection) throws(NaruError) {
        if isClosed { throw .lane(.closed, "select", "the lane is closed") }
        if bell != nil, selection != .all {
            throw .lane(
                .unsupported, "select", "a private queue gives messages in the order in which they were sent",
                remedy: "require selective, for a queue that holds its messages")
        }
        try queue.check(selection)
        self.selection = selection
    }

    // MARK: Waiting and closing

    func spin(_ rounds: Int) -> SpinOutcome {
        guard let bell, !holdsRecord else {
            Processor.spinHint()
            return .found
        }
        return bell.spinForMessage(rounds)
    }

    func arm(_ style: WaitStyle) throws(NaruError) -> WaitTarget {
        try check("wait")
        guard case .none = front else { return .ready }
        if let bell { return try arm(style, bell) }
        if let descriptor = queue.descriptor { return .descriptor(descriptor, .readable) }
        // A look costs a call, as a question would; what is there is kept.
        return try fetch() ? .ready : pause.next()
    }

    /// Arms, then looks again. Whether the sender has gone is asked before the look: what it sent before that is seen.
    private func arm(_ style: WaitStyle, _ bell: QueueBell) throws(NaruError) -> WaitTarget {
        let target = bell.armReceiver(style)
        let hasEnded = bell.isSenderClosed
        let isThere: Bool
        do throws(NaruError) {
            isThere = try fetch()
        } catch {
            bell.disarmReceiver()
            throw error
        }
        guard isThere || hasEnded else { return target }
        bell.disarmReceiver()
        return isThere ? .ready : .ended
    }

    func disarm() {
        bell?.disarmReceiver()
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        bell?.closeReceiver()
        if !isDraining { onClose() }
    }

    private func check(_ operation: String) throws(NaruError) {
        if isClosed { throw .lane(.closed, operation, "the lane is closed") }
        if let violation { throw violation }
        if isDraining { throw .lane(.reentrant, operation, "the lane is being drained") }
    }
}
