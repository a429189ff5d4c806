// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// The sending end of a ``MemoryPipe``.
@safe final class MemoryOutboundLane: OutboundLane {
    private let pipe: MemoryPipe
    private var loan: UnsafeMutableRawBufferPointer?
    private var isClosed = false

    init(_ pipe: MemoryPipe) {
        self.pipe = pipe
    }

    deinit {
        close()
    }

    var maximumRecordBytes: Int { pipe.temper.maximumRecordBytes }

    // MARK: Loans

    func reserve(_ byteCount: Int) throws(NaruError) -> UnsafeMutableRawBufferPointer? {
        guard try hasRoom("reserve", byteCount) else { return nil }
        // Freed by abort(), or by the message that commit() makes of it.
        let base = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: 16)
        let memory = unsafe UnsafeMutableRawBufferPointer(start: base, count: byteCount)
        unsafe loan = memory
        return unsafe memory
    }

    func commit(_ header: RecordHeader, byteCount: Int) throws(NaruError) {
        if isClosed { throw closed("commit") }
        guard let memory = unsafe loan, let base = memory.baseAddress, byteCount >= 0, byteCount <= memory.count
        else { throw .memory(.invalidArgument, "commit", "no loan of \(byteCount) bytes is out") }
        unsafe loan = nil
        // The message takes the memory over.
        let message = unsafe OwnedMessage(adopting: base, byteCount: byteCount)
        pipe.append(MemoryPipe.Record(header: header, message: message))
    }

    func abort() {
        unsafe loan?.deallocate()
        unsafe loan = nil
    }

    // MARK: Sending

    func trySend(_ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan) throws(NaruError) -> Bool {
        guard try hasRoom("send", prefix.byteCount + bytes.byteCount) else { return false }
        let message = OwnedMessage([UInt8](copying: prefix) + [UInt8](copying: bytes))
        pipe.append(MemoryPipe.Record(header: header, message: message))
        return true
    }

    func trySend(_ header: RecordHeader, adopting message: OwnedMessage) throws(NaruError) -> Bool {
        guard try hasRoom("send", message.byteCount) else { return false }
        pipe.append(MemoryPipe.Record(header: header, message: message))
        return true
    }

    func hold() {
        pipe.hold()
    }

    func publish() throws(NaruError) {
        if isClosed { throw closed("publish") }
        pipe.show(andHold: false)
    }

    func flush() throws(NaruError) -> Bool {
        if isClosed { throw closed("flush") }
        pipe.show(andHold: false)
        return pipe.isHandedOver
    }

    private func hasRoom(_ operation: String, _ byteCount: Int) throws(NaruError) -> Bool {
        if isClosed { throw closed(operation) }
        guard unsafe loan == nil else { throw .memory(.reentrant, operation, "a loan is out") }
        guard byteCount <= maximumRecordBytes else {
            throw .memory(
                .messageTooLarge, operation, "a record has at most \(maximumRecordBytes) bytes, not \(byteCount)")
        }
        return try pipe.hasRoom()
    }

    private func closed(_ operation: String) -> NaruError {
        .memory(.closed, operation, "the lane is closed")
    }

    // MARK: Waiting and closing

    func arm(_ style: WaitStyle, byteCount: Int) throws(NaruError) -> WaitTarget {
        if isClosed { throw closed("wait") }
        return pipe.armSender(style)
    }

    func disarm() {
        pipe.disarm(.sender)
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        abort()
        pipe.closeSender()
    }
}

/// The receiving end of a ``MemoryPipe``.
final class MemoryInboundLane: InboundLane {
    private let pipe: MemoryPipe
    private var isDraining = false
    private var isClosed = false

    init(_ pipe: MemoryPipe) {
        self.pipe = pipe
    }

    deinit {
        close()
    }

    func drain(_ maximum: Int, _ body: (InboundRecord) -> DrainStep) throws(NaruError) -> Int {
        if isClosed { throw .memory(.closed, "receive", "the lane is closed") }
        if isDraining { throw .memory(.reentrant, "receive", "the lane is being drained") }
        isDraining = true
        var taken = 0
        while taken < maximum, !isClosed, let record = pipe.front {
            let step = Self.lend(record, to: body)
            if step == .leaveAndStop { break }
            pipe.removeFront()
            taken += 1
            if step == .takeAndStop { break }
        }
        isDraining = false
        if isClosed { pipe.closeReceiver() }
        return taken
    }

    private static func lend(_ record: MemoryPipe.Record, to body: (InboundRecord) -> DrainStep) -> DrainStep {
        let message = record.message
        return body(InboundRecord(header: record.header, bytes: message.bytes, adopted: message))
    }

    func arm(_ style: WaitStyle) throws(NaruError) -> WaitTarget {
        if isClosed { throw .memory(.closed, "wait", "the lane is closed") }
        return pipe.armReceiver(style)
    }

    func disarm() {
        pipe.disarm(.receiver)
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        if !isDraining { pipe.closeReceiver() }
    }
}
