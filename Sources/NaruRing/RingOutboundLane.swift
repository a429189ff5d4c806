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
    public var maximumRecordBytes: Int {
        slots?.settle()
        return max(recordLimit, slots?.largest ?? 0)
    }
    public var fragmentRecordBytes: Int { recordLimit }

    // The pointers lead into `memory`, with which they change, and which is let go only when `failure` is set and no
    // loan is out; from then on `limit` equals `head`, so that nothing is written, and everything else looks at
    // `failure` first.
    var ring: UnsafeMutableRawPointer
    var cursor: UnsafePointer<Atomic<UInt64>>
    var readerClosed: UnsafePointer<Atomic<UInt32>>
    var writerClosed: UnsafePointer<Atomic<UInt32>>
    var readerArmed: ArmedWord
    var writerArmed: ArmedWord
    var ringBytes: Int
    var recordLimit: Int
    var growth: GrowthState?
    let slots: RingSlotPool?
    private let peerBell: any Bell
    private let name: String
    var memory: RingMemory?

    /// Where the next record goes.
    var head: UInt64
    /// Up to where the reader may see; behind `head` only in a batch.
    var visible: UInt64
    /// The header word of the first record that the reader may not see yet; 0 when there is none.
    private var pendingWord: UInt64 = 0
    /// Whether a batch is held.
    var isHolding = false
    /// Up to where the reader has released, as last read.
    var released: UInt64
    /// Up to where may be written: a ring past `released`; `head` while a loan is out and after a failure.
    var limit: UInt64
    /// Up to where a small record may reach that lies right at `head`, with nothing else to look at: there is room, the
    /// ring goes on, and a batch need not be shown yet. `head` while a loan is out and after a failure.
    var edge: UInt64 = 0
    /// Where the record of the loan begins, and its size.
    var loan: (start: UInt64, byteCount: Int)?
    /// The loan that lies in a slot; then ``loan`` is `nil`.
    var slotLoan: (start: UInt64, slot: Int, byteCount: Int)?
    /// How large records are copied.
    private let bulk = BulkCopy()
    /// Why nothing more can be done.
    var failure: NaruError?
    private var isClosed = false
    /// Whether the reader was told that fences can be imposed on this process.
    var isRegistered = false

    /// Writes through `memory`, which this end prepared.
    /// - Parameters:
    ///   - memory: Writable memories, used by one writer and one reader.
    ///   - name: The transport's name, for errors.
    ///   - peerBell: Wakes the reader when it waits as a task.
    ///   - growth: How larger rings are made; `nil`: the ring stays as it is.
    ///   - slots: Where slots for what no ring carries come from; `nil`: there are none.
    public convenience init(
        _ memory: RingMemory, name: String, peerBell: any Bell, growth: RingGrowth? = nil, slots: RingSlotSource? = nil
    ) {
        self.init(memory, name: name, peerBell: peerBell, growth: growth, slots: slots, startingAt: 0)
    }

    /// As above, with the ring's first record at a position other than 0: a multiple of 8, the same at both ends.
    init(
        _ memory: RingMemory, name: String, peerBell: any Bell, growth: RingGrowth? = nil,
        slots: RingSlotSource? = nil, startingAt position: UInt64
    ) {
        self.growth = growth.map(GrowthState.init)
        self.slots = slots.map(RingSlotPool.init)
        precondition(position % 8 == 0, "a record cannot begin at \(position)")
        self.memory = memory
        self.name = name
        self.peerBell = peerBell
        ringBytes = memory.header.ringBytes
        recordLimit = RingLayout.maximumRecordBytes(ringBytes: ringBytes)
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
        findEdge()
    }

    deinit {
        close()
    }

    // MARK: Sending

    public func trySend(
        _ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan
    ) throws(NaruError) -> Bool {
        let byteCount = prefix.byteCount &+ bytes.byteCount
        let stride = RecordRoom.stride(byteCount)
        guard fits(byteCount, stride) else {
            if sendAligned(header, prefix, bytes) { return true }
            return try sendSlowly(header, prefix, bytes)
        }
        let position = head
        let next = position &+ UInt64(truncatingIfNeeded: stride)
        let word = header.word(byteCount: byteCount)
        head = next
        if isHolding {
            unsafe copy(prefix, bytes, to: payload(at: position))
            put(word, at: position)
        } else {
            // First the word behind the record, in another cache line mostly; then the payload; then the record's own
            // word: the line that the reader polls is written in one go.
            clear(next)
            unsafe copy(prefix, bytes, to: payload(at: position))
            show(word, upTo: next)
        }
        return true
    }

    /// As ``trySend(_:_:_:)``, for a large record that fits here, on a cache line; else does nothing.
    @inline(never)
    private func sendAligned(_ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan) -> Bool {
        let byteCount = prefix.byteCount &+ bytes.byteCount
        let padding = RingLayout.alignmentPadding(offset(head))
        let size = padding &+ RecordRoom.stride(byteCount)
        guard byteCount >= RecordRoom.largeByteCount, byteCount <= recordLimit,
            Int(truncatingIfNeeded: edge &- head) >= size
        else { return false }
        let start = head &+ UInt64(truncatingIfNeeded: padding)
        let payload = unsafe payload(at: start)
        if prefix.byteCount == 0 {
            unsafe bytes.withUnsafeBytes {
                unsafe bulk.copy($0.baseAddress.unsafelyUnwrapped, to: payload, count: $0.count)
            }
        } else {
            unsafe copy(prefix, bytes, to: payload)
        }
        if padding > 0 { put(Self.padding(padding), at: head) }
        put(header.word(byteCount: byteCount), at: start)
        head &+= UInt64(truncatingIfNeeded: size)
        if !isHolding { publishPending() }
        return true
    }

    /// The header word of padding that takes so many bytes.
    private static func padding(_ byteCount: Int) -> UInt64 {
        RecordHeader(kind: .padding).word(byteCount: byteCount &- RecordHeader.byteCount)
    }

    /// As ``trySend(_:_:_:)``, where the record may not fit right here.
    @inline(never)
    private func sendSlowly(
        _ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan
    ) throws(NaruError) -> Bool {
        let byteCount = prefix.byteCount + bytes.byteCount
        if byteCount > recordLimit, slots != nil { return try sendInSlot(header, prefix, bytes) }
        guard let start = try place(byteCount) else { return false }
        unsafe copy(prefix, bytes, to: payload(at: start))
        append(header.word(byteCount: byteCount), at: start, stride: RecordRoom.stride(byteCount))
        findEdge()
        return true
    }

    /// Copies to where room was found for both in one piece, room that the reader has released.
    @inline(__always)
    func copy(_ prefix: RawSpan, _ bytes: RawSpan, to payload: UnsafeMutableRawPointer) {
        if prefix.byteCount > 0 {
            unsafe prefix.withUnsafeBytes {
                unsafe payload.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: $0.count)
            }
        }
        if bytes.byteCount > 0 {
            let rest = unsafe payload + prefix.byteCount
            unsafe bytes.withUnsafeBytes {
                unsafe copyBytes($0.baseAddress.unsafelyUnwrapped, to: rest, count: $0.count)
            }
        }
    }

    public func reserve(_ byteCount: Int) throws(NaruError) -> UnsafeMutableRawBufferPointer? {
        let isHere = fits(byteCount, RecordRoom.stride(byteCount))
        if !isHere, byteCount > recordLimit, slots != nil { return unsafe try reserveSlot(byteCount) }
        guard let start = isHere ? head : try place(byteCount) else { return nil }
        loan = (start, byteCount)
        limit = head
        edge = head
        return unsafe UnsafeMutableRawBufferPointer(start: payload(at: start), count: byteCount)
    }

    public func commit(_ header: RecordHeader, byteCount: Int) throws(NaruError) {
        guard let loan else { return try commitSlot(header, byteCount) }
        guard byteCount >= 0, byteCount <= loan.byteCount else {
            throw misuse("commit", "the loan has \(loan.byteCount) bytes, not \(byteCount)")
        }
        endLoan()
        if let failure { throw failure }
        append(header.word(byteCount: byteCount), at: loan.start, stride: RecordRoom.stride(byteCount))
    }

    public func abort() {
        if loan != nil { endLoan() } else if slotLoan != nil { endSlotLoan() }
    }

    private func endLoan() {
        loan = nil
        reopen()
    }

    /// No loan is out any more.
    @inline(__always)
    func reopen() {
        if failure == nil {
            limit = released &+ UInt64(ringBytes)
            findEdge()
        } else if isClosed {
            letGo()
        }
    }

    private var isLoanOut: Bool { loan != nil || slotLoan != nil }

    private func letGo() {
        memory = nil
        growth = nil
        slots?.close()
    }

    // MARK: Batches

    public func hold() {
        isHolding = true
        findEdge()
    }

    public func borrowRoom() -> RecordRoom {
        // The batch has a record already, whose word is stored last of all: what follows it is plain memory until then.
        let byteCount = Int(truncatingIfNeeded: edge &- head)
        guard pendingWord != 0, byteCount >= Self.leastRoom else { return RecordRoom() }
        // Up to the edge, the ring goes on in one piece and the reader has released it.
        return unsafe RecordRoom(
            UnsafeMutableRawBufferPointer(start: ring + offset(head), count: byteCount), copying: bulk)
    }

    /// Room for less than some records is not worth the calls, bytes.
    private static let leastRoom = 256

    public func useRoom(_ byteCount: Int) {
        head &+= UInt64(truncatingIfNeeded: byteCount)
    }

    public func publish() throws(NaruError) {
        isHolding = false
        if let failure { throw failure }
        publishPending()
        findEdge()
    }

    public func flush() throws(NaruError) -> Bool {
        if let failure { throw failure }
        publishPending()
        return true
    }

    // MARK: Waiting

    public func spin(_ rounds: Int, byteCount: Int) -> SpinOutcome {
        publishPending()
        guard failure == nil, !isLoanOut else { return .found }
        let core = Processor.currentCore() &+ 1
        writerArmed.publish(core)
        if readerArmed.isOn(core) { return .pointless }
        if waitsForSlot(byteCount) { return spinForSlot(rounds, byteCount) }
        for _ in 0..<rounds {
            // Relaxed: the attempt that follows acquires.
            if unsafe cursor.pointee.load(ordering: .relaxed) != released { return .found }
            Processor.spinHint()
        }
        return .nothing
    }

    public func arm(_ style: WaitStyle, byteCount: Int) throws(NaruError) -> WaitTarget {
        try check("arm", byteCount)
        publishPending()
        writerArmed.publish(Processor.currentCore() &+ 1)
        let target = writerArmed.arm(style)
        let isReaderGone = unsafe readerClosed.pointee.load(ordering: .sequentiallyConsistent) != 0
        try readCursor()
        if hasRoom(byteCount) { return .ready }
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
        if readerArmed.isArmed { wakeReader() }
        fail(NaruError(.closed, operation: "send", object: name, reason: "this end closed the lane"))
        if !isLoanOut { letGo() }
    }
}

// MARK: - Where records go

extension RingOutboundLane {
    /// How many bytes may be written from `head` on.
    @inline(__always)
    var room: Int { Int(truncatingIfNeeded: limit &- head) }

    @inline(__always)
    private func offset(_ position: UInt64) -> Int {
        Int(truncatingIfNeeded: position) & (ringBytes &- 1)
    }

    @inline(__always)
    func payload(at start: UInt64) -> UnsafeMutableRawPointer {
        unsafe ring + (offset(start) &+ RecordHeader.byteCount)
    }

    @inline(__always)
    private func headerWord(_ position: UInt64) -> UnsafePointer<Atomic<UInt64>> {
        // Positions are multiples of 8, so the word is aligned and does not cross the ring's end.
        unsafe UnsafePointer((ring + offset(position)).assumingMemoryBound(to: Atomic<UInt64>.self))
    }

    /// Whether a small record that takes `stride` fits at `head`. Also false for a size that is out of bounds, while a
    /// loan is out, and after a failure.
    @inline(__always)
    private func fits(_ byteCount: Int, _ stride: Int) -> Bool {
        // No ring is so small that it would not take a record that needs no alignment.
        UInt(bitPattern: byteCount) < UInt(bitPattern: RecordRoom.largeByteCount)
            && Int(truncatingIfNeeded: edge &- head) >= stride
    }

    /// Finds ``edge`` anew. Where it is not called the edge lies too near, and small records take the long way.
    func findEdge() {
        // Before the end of the room, and of the ring, the word behind the record is cleared.
        var bytes = min(room, ringBytes - offset(head)) - RecordHeader.byteCount
        if isHolding { bytes = min(bytes, batchBytes - Int(truncatingIfNeeded: head &- visible)) }
        edge = head &+ UInt64(max(bytes, 0))
    }

    /// A batch that has grown to so many bytes is shown.
    private var batchBytes: Int { ringBytes >> 3 }

    /// The position of a new record of `byteCount` bytes; `nil` when there is no room.
    func place(_ byteCount: Int) throws(NaruError) -> UInt64? {
        try check("send", byteCount)
        let need = need(byteCount)
        if need.total > room { try readCursor() }
        guard need.total <= room else {
            // A held batch makes room by showing what it has.
            publishPending()
            if switchToSuccessor() { return try place(byteCount) }
            considerGrowth(isFull: true)
            return nil
        }
        return head &+ UInt64(need.padding)
    }

    /// What a record of `byteCount` bytes takes from `head` on: padding before it, and everything with the header word
    /// after it.
    func need(_ byteCount: Int) -> (padding: Int, total: Int) {
        let stride = RecordRoom.stride(byteCount)
        let offset = offset(head)
        let remaining = ringBytes - offset
        var padding = stride > remaining ? remaining : 0
        if byteCount >= RecordRoom.largeByteCount, padding == 0 {
            let alignment = RingLayout.alignmentPadding(offset)
            if alignment + stride <= remaining { padding = alignment }
        }
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
        findEdge()
        if !isRegistered { register() }
        if growth != nil { considerGrowth(isFull: false) }
    }

    /// Lets the reader cover for this end: see ``ArmedWord``. Done by a writer that has filled its ring once: for less
    /// it would not be worth it.
    private func register() {
        guard ProcessFence.isRegistered else { return ProcessFence.register() }
        isRegistered = true
        writerArmed.announceRegistration()
    }

    func check(_ operation: String, _ byteCount: Int) throws(NaruError) {
        if let failure { throw failure }
        guard !isLoanOut else { throw misuse(operation, "a loan is out") }
        guard byteCount >= 0 else { throw misuse(operation, "a record cannot have \(byteCount) bytes") }
        guard byteCount <= recordLimit || byteCount <= maximumRecordBytes else {
            throw NaruError(
                .messageTooLarge, operation: operation, object: name,
                reason: "a record has at most \(maximumRecordBytes) bytes, not \(byteCount)")
        }
    }

    func misuse(_ operation: String, _ reason: String) -> NaruError {
        NaruError(.invalidArgument, operation: operation, object: name, reason: reason)
    }

    private func fail(_ error: NaruError) {
        failure = error
        limit = head
        edge = head
    }
}

// MARK: - Making records visible

extension RingOutboundLane {
    /// Makes the bytes at `start` a record, with padding before it where it does not lie at `head`: shown at once, or
    /// with the batch.
    @inline(never)
    func append(_ word: UInt64, at start: UInt64, stride: Int) {
        let padding = Int(truncatingIfNeeded: start &- head)
        if padding > 0 { put(Self.padding(padding), at: head) }
        put(word, at: start)
        head = start &+ UInt64(truncatingIfNeeded: stride)
        if !isHolding || Int(truncatingIfNeeded: head &- visible) >= batchBytes { publishPending() }
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
    func publishPending() {
        let word = pendingWord
        guard word != 0 else { return }
        pendingWord = 0
        clear(head)
        show(word, upTo: head)
    }

    /// Says that nothing is at `position` yet. Relaxed: ordered by the store of ``show(_:upTo:)``, by which the reader
    /// comes here.
    @inline(__always)
    private func clear(_ position: UInt64) {
        unsafe headerWord(position).pointee.store(0, ordering: .relaxed)
    }

    /// Stores the header word of the first record that the reader does not see, and so shows everything up to `end`,
    /// where the word is cleared. Releases everything before it.
    @inline(__always)
    private func show(_ word: UInt64, upTo end: UInt64) {
        unsafe headerWord(visible).pointee.store(word, ordering: .releasing)
        visible = end
        if readerArmed.isArmed { wakeReader() }
    }

    @inline(never)
    private func wakeReader() {
        writerArmed.publish(Processor.currentCore() &+ 1)
        readerArmed.wake(peerBell)
    }
}
