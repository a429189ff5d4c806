// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruSystem
internal import Synchronization

/// The writing end of a ring. See ``RingLayout`` for what it writes, and with which memory order.
///
/// Records lie in the ring as they are lent or copied; nothing is allocated and no system call is made, except to wake
/// a reader that sleeps. Positions are authoritative here: the reader's cursor is read only when the ring looks full,
/// and checked; a cursor that moves backwards or past what the reader was given poisons the lane.
///
/// A batch shows itself by and by when it grows past an eighth of the ring, and when the ring is full.
///
/// Life cycle of a loan:
///
///     if let room = try lane.reserve(n) {        // nil: no room now; arm, wait, try again
///         fill(room)
///         try lane.commit(header, byteCount: n)  // the reader sees it; or lane.abort(): the reader never does
///     }
@safe
public final class RingOutboundLane: OutboundLane {
    public let maximumRecordBytes: Int

    // The pointers lead into `memory`, which is let go only when `failure` is set and no loan is out; from then on
    // `limit` equals `head`, so that nothing is written, and everything else looks at `failure` first.
    private let ring: UnsafeMutableRawPointer
    private let cursor: UnsafePointer<Atomic<UInt64>>
    private let readerClosed: UnsafePointer<Atomic<UInt32>>
    private let writerClosed: UnsafePointer<Atomic<UInt32>>
    private let readerArmed: ArmedWord
    private let writerArmed: ArmedWord
    private let ringBytes: Int
    private let peerBell: any Bell
    private let name: String
    private var memory: RingMemory?

    /// Where the next record goes.
    private var head: UInt64
    /// Up to where the reader may see; behind `head` only in a batch.
    private var visible: UInt64
    /// The header word of the first record that the reader may not see yet; 0 when there is none.
    private var pendingWord: UInt64 = 0
    /// Whether a batch is held.
    private var isHolding = false
    /// Up to where the reader has released, as last read.
    private var released: UInt64
    /// Up to where may be written: a ring past `released`; `head` while a loan is out and after a failure.
    private var limit: UInt64
    /// Where the record of the loan begins, and its size.
    private var loan: (start: UInt64, byteCount: Int)?
    /// Why nothing more can be done.
    private var failure: NaruError?
    private var isClosed = false

    /// Writes through `memory`, which this end prepared.
    /// - Parameters:
    ///   - memory: Writable memories, used by one writer and one reader.
    ///   - name: The transport's name, for errors.
    ///   - peerBell: Wakes the reader when it waits as a task.
    public convenience init(_ memory: RingMemory, name: String, peerBell: any Bell) {
        self.init(memory, name: name, peerBell: peerBell, startingAt: 0)
    }

    /// As above, with the ring's first record at a position other than 0: a multiple of 8, the same at both ends.
    init(_ memory: RingMemory, name: String, peerBell: any Bell, startingAt position: UInt64) {
        precondition(position % 8 == 0, "a record cannot begin at \(position)")
        self.memory = memory
        self.name = name
        self.peerBell = peerBell
        ringBytes = memory.header.ringBytes
        maximumRecordBytes = RingLayout.maximumRecordBytes(ringBytes: ringBytes)
        unsafe ring = memory.ring
        unsafe cursor = memory.cursor
        unsafe readerClosed = memory.readerClosed
        unsafe writerClosed = memory.writerClosed
        readerArmed = memory.readerArmed
        writerArmed = memory.writerArmed
        head = position
        visible = position
        released = position
        limit = position &+ UInt64(ringBytes)
    }

    deinit {
        close()
    }

    // MARK: Sending

    public func trySend(
        _ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan
    ) throws(NaruError) -> Bool {
        let byteCount = prefix.byteCount &+ bytes.byteCount
        let stride = RingLayout.stride(byteCount)
        guard fits(byteCount, stride) else { return try sendSlowly(header, prefix, bytes) }
        unsafe copy(prefix, bytes, to: payload(at: head))
        append(header.word(byteCount: byteCount), stride: stride)
        return true
    }

    /// As ``trySend(_:_:_:)``, where the record may not fit right here.
    @inline(never)
    private func sendSlowly(
        _ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan
    ) throws(NaruError) -> Bool {
        let byteCount = prefix.byteCount + bytes.byteCount
        guard let start = try place(byteCount) else { return false }
        unsafe copy(prefix, bytes, to: payload(at: start))
        append(header.word(byteCount: byteCount), at: start, stride: RingLayout.stride(byteCount))
        return true
    }

    /// Copies to where room was found for both in one piece, room that the reader has released.
    @inline(__always)
    private func copy(_ prefix: RawSpan, _ bytes: RawSpan, to payload: UnsafeMutableRawPointer) {
        if prefix.byteCount > 0 {
            unsafe prefix.withUnsafeBytes {
                unsafe payload.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: $0.count)
            }
        }
        if bytes.byteCount > 0 {
            let rest = unsafe payload + prefix.byteCount
            unsafe bytes.withUnsafeBytes {
                unsafe rest.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: $0.count)
            }
        }
    }

    public func reserve(_ byteCount: Int) throws(NaruError) -> UnsafeMutableRawBufferPointer? {
        let isHere = fits(byteCount, RingLayout.stride(byteCount))
        guard let start = isHere ? head : try place(byteCount) else { return nil }
        loan = (start, byteCount)
        limit = head
        return unsafe UnsafeMutableRawBufferPointer(start: payload(at: start), count: byteCount)
    }

    public func commit(_ header: RecordHeader, byteCount: Int) throws(NaruError) {
        guard let loan else { throw failure ?? misuse("commit", "no loan is out") }
        guard byteCount >= 0, byteCount <= loan.byteCount else {
            throw misuse("commit", "the loan has \(loan.byteCount) bytes, not \(byteCount)")
        }
        endLoan()
        if let failure { throw failure }
        append(header.word(byteCount: byteCount), at: loan.start, stride: RingLayout.stride(byteCount))
    }

    public func abort() {
        if loan != nil { endLoan() }
    }

    private func endLoan() {
        loan = nil
        if failure == nil {
            limit = released &+ UInt64(ringBytes)
        } else if isClosed {
            memory = nil
        }
    }

    // MARK: Batches

    public func hold() {
        isHolding = true
    }

    public func publish() throws(NaruError) {
        isHolding = false
        if let failure { throw failure }
        publishPending()
    }

    public func flush() throws(NaruError) -> Bool {
        if let failure { throw failure }
        publishPending()
        return true
    }

    // MARK: Waiting

    public func arm(_ style: WaitStyle, byteCount: Int) throws(NaruError) -> WaitTarget {
        try check("arm", byteCount)
        publishPending()
        let target = writerArmed.arm(style)
        let isReaderGone = unsafe readerClosed.pointee.load(ordering: .sequentiallyConsistent) != 0
        try readCursor()
        if need(byteCount).total <= room { return .ready }
        return isReaderGone ? .ended : target
    }

    public func disarm() {
        if failure == nil { writerArmed.disarm() }
    }

    public func close() {
        if isClosed { return }
        if failure == nil { publishPending() }
        isClosed = true
        // The reader looks at this word before it looks at the ring for the last time, so that it misses no record.
        unsafe writerClosed.pointee.store(1, ordering: .sequentiallyConsistent)
        wakeReader()
        fail(NaruError(.closed, operation: "send", object: name, reason: "this end closed the lane"))
        if loan == nil { memory = nil }
    }
}

// MARK: - Where records go

extension RingOutboundLane {
    /// How many bytes may be written from `head` on.
    @inline(__always)
    private var room: Int { Int(truncatingIfNeeded: limit &- head) }

    @inline(__always)
    private func offset(_ position: UInt64) -> Int {
        Int(truncatingIfNeeded: position) & (ringBytes &- 1)
    }

    @inline(__always)
    private func payload(at start: UInt64) -> UnsafeMutableRawPointer {
        unsafe ring + (offset(start) &+ RecordHeader.byteCount)
    }

    @inline(__always)
    private func headerWord(_ position: UInt64) -> UnsafePointer<Atomic<UInt64>> {
        // Positions are multiples of 8, so the word is aligned and does not cross the ring's end.
        unsafe UnsafePointer((ring + offset(position)).assumingMemoryBound(to: Atomic<UInt64>.self))
    }

    /// Whether a record fits at `head`, as far as the reader was known to have released. Also false for a size that is
    /// out of bounds, while a loan is out, and after a failure.
    @inline(__always)
    private func fits(_ byteCount: Int, _ stride: Int) -> Bool {
        UInt(bitPattern: byteCount) <= UInt(bitPattern: maximumRecordBytes) && stride &+ RecordHeader.byteCount <= room
            && offset(head) &+ stride <= ringBytes
    }

    /// The position of a new record of `byteCount` bytes; `nil` when there is no room.
    private func place(_ byteCount: Int) throws(NaruError) -> UInt64? {
        try check("send", byteCount)
        let need = need(byteCount)
        if need.total > room { try readCursor() }
        guard need.total <= room else {
            // A held batch makes room by showing what it has.
            publishPending()
            return nil
        }
        return head &+ UInt64(need.padding)
    }

    /// What a record of `byteCount` bytes takes from `head` on: padding before it, and everything with the header word
    /// after it.
    private func need(_ byteCount: Int) -> (padding: Int, total: Int) {
        let stride = RingLayout.stride(byteCount)
        let remaining = ringBytes - offset(head)
        let padding = stride > remaining ? remaining : 0
        return (padding, padding + stride + RecordHeader.byteCount)
    }

    /// Reads how far the reader has released. Sequentially consistent: it orders after an arming before it, and
    /// acquires the reader's last loads of what it released.
    private func readCursor() throws(NaruError) {
        let position = unsafe cursor.pointee.load(ordering: .sequentiallyConsistent)
        guard position &- released <= visible &- released, position % 8 == 0 else {
            let error = NaruError(
                .protocolViolation, operation: "send", object: name,
                reason: "the reader's cursor is \(position), outside \(released)...\(visible)")
            fail(error)
            throw error
        }
        released = position
        limit = position &+ UInt64(ringBytes)
    }

    private func check(_ operation: String, _ byteCount: Int) throws(NaruError) {
        if let failure { throw failure }
        guard loan == nil else { throw misuse(operation, "a loan is out") }
        guard byteCount >= 0 else { throw misuse(operation, "a record cannot have \(byteCount) bytes") }
        guard byteCount <= maximumRecordBytes else {
            throw NaruError(
                .messageTooLarge, operation: operation, object: name,
                reason: "a record has at most \(maximumRecordBytes) bytes, not \(byteCount)")
        }
    }

    private func misuse(_ operation: String, _ reason: String) -> NaruError {
        NaruError(.invalidArgument, operation: operation, object: name, reason: reason)
    }

    private func fail(_ error: NaruError) {
        failure = error
        limit = head
    }
}

// MARK: - Making records visible

extension RingOutboundLane {
    /// Makes the bytes at `head` a record.
    @inline(__always)
    private func append(_ word: UInt64, stride: Int) {
        let position = head
        let next = position &+ UInt64(truncatingIfNeeded: stride)
        head = next
        if isHolding {
            let isLong = Int(truncatingIfNeeded: next &- visible) >= ringBytes >> 3
            put(word, at: position)
            if isLong { publishPending() }
        } else {
            show(word, upTo: next)
        }
    }

    /// Makes the bytes at `start` a record: at `head`, or at the ring's beginning with padding before it.
    @inline(never)
    private func append(_ word: UInt64, at start: UInt64, stride: Int) {
        let padding = Int(truncatingIfNeeded: start &- head)
        guard padding > 0 else { return append(word, stride: stride) }
        put(RecordHeader(kind: .padding).word(byteCount: padding - RecordHeader.byteCount), at: head)
        put(word, at: start)
        head = start &+ UInt64(stride)
        if !isHolding { publishPending() }
    }

    /// Adds a record to those that the reader may not see yet.
    @inline(__always)
    private func put(_ word: UInt64, at position: UInt64) {
        if pendingWord == 0 {
            pendingWord = word
        } else {
            // Relaxed: the reader comes here only by the first record of the batch, which is stored after this.
            unsafe headerWord(position).pointee.store(word, ordering: .relaxed)
        }
    }

    /// Shows the reader what it does not see yet, and wakes it where it sleeps.
    @inline(never)
    private func publishPending() {
        let word = pendingWord
        guard word != 0 else { return }
        pendingWord = 0
        show(word, upTo: head)
    }

    /// Stores the header word of the first record that the reader does not see, and so shows everything up to `end`.
    @inline(__always)
    private func show(_ word: UInt64, upTo end: UInt64) {
        // Relaxed: ordered by the store below, by which the reader comes here.
        unsafe headerWord(end).pointee.store(0, ordering: .relaxed)
        // Releases everything before it, and orders before the look at the armed word; see ArmedWord.
        unsafe headerWord(visible).pointee.store(word, ordering: .sequentiallyConsistent)
        visible = end
        wakeReader()
    }

    @inline(__always)
    private func wakeReader() {
        if readerArmed.isArmed { readerArmed.wake(peerBell) }
    }
}
