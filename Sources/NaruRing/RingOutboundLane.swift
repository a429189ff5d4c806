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

    // The pointers lead into `memory`, with which they change, and which is let go only when `failure` is set and no loan is out; from then on
    // `limit` equals `head`, so that nothing is written, and everything else looks at `failure` first.
    private var ring: UnsafeMutableRawPointer
    private var cursor: UnsafePointer<Atomic<UInt64>>
    private var readerClosed: UnsafePointer<Atomic<UInt32>>
    private var writerClosed: UnsafePointer<Atomic<UInt32>>
    private var readerArmed: ArmedWord
    private var writerArmed: ArmedWord
    private var ringBytes: Int
    private var recordLimit: Int
    private var growth: GrowthState?
    private let slots: RingSlotPool?
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
    /// Up to where a small record may reach that lies right at `head`, with nothing else to look at: there is room, the
    /// ring goes on, and a batch need not be shown yet. `head` while a loan is out and after a failure.
    private var edge: UInt64 = 0
    /// Where the record of the loan begins, and its size.
    private var loan: (start: UInt64, byteCount: Int)?
    /// The loan that lies in a slot; then ``loan`` is `nil`.
    private var slotLoan: (start: UInt64, slot: Int, byteCount: Int)?
    /// How large records are copied.
    private let bulk = BulkCopy()
    /// Why nothing more can be done.
    private var failure: NaruError?
    private var isClosed = false
    /// Whether the reader was told that fences can be imposed on this process.
    private var isRegistered = false

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
    private func copy(_ prefix: RawSpan, _ bytes: RawSpan, to payload: UnsafeMutableRawPointer) {
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
    private func reopen() {
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

    /// Whether a small record that takes `stride` fits at `head`. Also false for a size that is out of bounds, while a
    /// loan is out, and after a failure.
    @inline(__always)
    private func fits(_ byteCount: Int, _ stride: Int) -> Bool {
        // No ring is so small that it would not take a record that needs no alignment.
        UInt(bitPattern: byteCount) < UInt(bitPattern: RecordRoom.largeByteCount)
            && Int(truncatingIfNeeded: edge &- head) >= stride
    }

    /// Finds ``edge`` anew. Where it is not called the edge lies too near, and small records take the long way.
    private func findEdge() {
        // Before the end of the room, and of the ring, the word behind the record is cleared.
        var bytes = min(room, ringBytes - offset(head)) - RecordHeader.byteCount
        if isHolding { bytes = min(bytes, batchBytes - Int(truncatingIfNeeded: head &- visible)) }
        edge = head &+ UInt64(max(bytes, 0))
    }

    /// A batch that has grown to so many bytes is shown.
    private var batchBytes: Int { ringBytes >> 3 }

    /// The position of a new record of `byteCount` bytes; `nil` when there is no room.
    private func place(_ byteCount: Int) throws(NaruError) -> UInt64? {
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
    private func need(_ byteCount: Int) -> (padding: Int, total: Int) {
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

    /// Lets the reader cover for this end: see ``ArmedWord``. Done by a writer that has filled its ring once: for less it
    /// would not be worth it.
    private func register() {
        guard ProcessFence.isRegistered else { return ProcessFence.register() }
        isRegistered = true
        writerArmed.announceRegistration()
    }

    private func check(_ operation: String, _ byteCount: Int) throws(NaruError) {
        if let failure { throw failure }
        guard !isLoanOut else { throw misuse(operation, "a loan is out") }
        guard byteCount >= 0 else { throw misuse(operation, "a record cannot have \(byteCount) bytes") }
        guard byteCount <= recordLimit || byteCount <= maximumRecordBytes else {
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
        edge = head
    }
}

// MARK: - Making records visible

extension RingOutboundLane {
    /// Makes the bytes at `start` a record, with padding before it where it does not lie at `head`: shown at once, or with
    /// the batch.
    @inline(never)
    private func append(_ word: UInt64, at start: UInt64, stride: Int) {
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
    private func publishPending() {
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

// MARK: - Growing

extension RingOutboundLane {
    public func expect(_ byteCount: Int) {
        guard failure == nil else { return }
        if byteCount > ringsCarry, let slots, slots.prepare(byteCount) { return }
        guard growth != nil else { return }
        // A ring that holds four such records and their padding, so that one can be written while another is read.
        grow(to: RingLayout.ringBytes(holding: 5 * min(byteCount, RingLayout.maximumRingBytes / 5)))
    }

    /// The ring is full, or the writer came round once more. It grows to half of what it may: the rest is for large
    /// messages.
    private func considerGrowth(isFull: Bool) {
        guard var state = growth, ringBytes < state.source.maximumRingBytes / 2 else { return }
        let isDue = isFull ? state.isOftenFull(head) : state.flows(head, ringBytes: ringBytes)
        growth = state
        if isDue { grow(to: min(16 * ringBytes, state.source.maximumRingBytes / 2)) }
    }

    /// Makes a larger ring and offers it, unless one is on its way or the last was declined.
    private func grow(to size: Int) {
        guard var state = growth else { return }
        let size = min(size, state.source.maximumRingBytes)
        guard size > ringBytes, state.offered == nil else { return }
        state.number += 1
        guard let memory = state.source.make(size, state.number) else {
            // No memory for it now, and asking again with every message would cost more than it could bring.
            growth = nil
            return
        }
        state.offered = memory
        growth = state
    }

    /// Goes on in the larger ring once the reader has it: a `switch` record is the last here.
    private func switchToSuccessor() -> Bool {
        guard let state = growth, let memory = state.offered, loan == nil else { return false }
        switch state.source.answer(to: state.number) {
        case .none: return false
        case .declined:
            growth = nil
            return false
        case .accepted: break
        }
        let need = need(8)
        guard need.total <= room else { return false }
        let start = head &+ UInt64(need.padding)
        unsafe payload(at: start).storeBytes(of: state.number, as: UInt64.self)
        let isHeld = isHolding
        isHolding = false
        append(RecordHeader(kind: .switch).word(byteCount: 8), at: start, stride: RecordRoom.stride(8))
        isHolding = isHeld
        adopt(memory)
        growth = GrowthState(state.source, number: state.number)
        return true
    }

    /// Everything from here on is in `memory`, from its beginning.
    private func adopt(_ memory: RingMemory) {
        unsafe ring = memory.ring
        unsafe cursor = memory.cursor
        unsafe readerClosed = memory.readerClosed
        unsafe writerClosed = memory.writerClosed
        readerArmed = memory.readerArmed
        writerArmed = memory.writerArmed
        ringBytes = memory.header.ringBytes
        recordLimit = RingLayout.maximumRecordBytes(ringBytes: ringBytes)
        (head, visible, released) = (0, 0, 0)
        limit = UInt64(ringBytes)
        findEdge()
        self.memory = memory
        isRegistered = false
    }
}

// MARK: - Records in slots

extension RingOutboundLane {
    /// The most bytes of a record that this ring carries, or one that it grows to: up to there a ring does better.
    private var ringsCarry: Int {
        max(recordLimit, growth.map { RingLayout.maximumRecordBytes(ringBytes: $0.source.maximumRingBytes) } ?? 0)
    }

    @inline(never)
    private func sendInSlot(_ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan) throws(NaruError) -> Bool {
        let byteCount = prefix.byteCount + bytes.byteCount
        guard let slots, let (start, slot) = try placeInSlot(byteCount, slots) else { return false }
        // The slot has room for both, and the reader is done with it.
        unsafe copy(prefix, bytes, to: slots.memory(slot))
        refer(header, byteCount, slot, at: start, slots)
        return true
    }

    @inline(never)
    private func reserveSlot(_ byteCount: Int) throws(NaruError) -> UnsafeMutableRawBufferPointer? {
        guard let slots, let (start, slot) = try placeInSlot(byteCount, slots) else { return nil }
        slotLoan = (start, slot, byteCount)
        limit = head
        edge = head
        return unsafe UnsafeMutableRawBufferPointer(start: slots.memory(slot), count: byteCount)
    }

    @inline(never)
    private func commitSlot(_ header: RecordHeader, _ byteCount: Int) throws(NaruError) {
        guard let slotLoan, let slots else { throw failure ?? misuse("commit", "no loan is out") }
        guard byteCount >= 0, byteCount <= slotLoan.byteCount else {
            throw misuse("commit", "the loan has \(slotLoan.byteCount) bytes, not \(byteCount)")
        }
        endSlotLoan()
        if let failure { throw failure }
        refer(header, byteCount, slotLoan.slot, at: slotLoan.start, slots)
    }

    private func endSlotLoan() {
        slotLoan = nil
        reopen()
    }

    /// A slot for a record of `byteCount` bytes, and the position of the record that refers to it; `nil` when there is
    /// no room for either.
    private func placeInSlot(
        _ byteCount: Int, _ slots: RingSlotPool
    ) throws(NaruError) -> (start: UInt64, slot: Int)? {
        try check("send", byteCount)
        // The ring is still small: such a record does better in the one that it becomes.
        if byteCount <= ringsCarry { expect(byteCount) }
        guard let start = try place(RingSlotReference.byteCount) else { return nil }
        guard let slot = slots.find(byteCount) else {
            // A held batch makes room by showing what it has.
            publishPending()
            return nil
        }
        return (start, slot)
    }

    /// Makes what lies in a slot a record. It is shown at once, in a batch too: the reader has enough to do with it.
    private func refer(
        _ header: RecordHeader, _ byteCount: Int, _ slot: Int, at start: UInt64, _ slots: RingSlotPool
    ) {
        let reference = slots.refer(slot, header, byteCount)
        let payload = unsafe payload(at: start)
        unsafe payload.storeBytes(of: reference.slot, as: UInt64.self)
        unsafe payload.storeBytes(of: reference.use, toByteOffset: 8, as: UInt64.self)
        unsafe payload.storeBytes(of: reference.word, toByteOffset: 16, as: UInt64.self)
        let size = RingSlotReference.byteCount
        append(RecordHeader(kind: .outOfLine).word(byteCount: size), at: start, stride: RecordRoom.stride(size))
        publishPending()
    }

    /// Whether there is room for a record of `byteCount` bytes, as far as the reader was known to have released.
    private func hasRoom(_ byteCount: Int) -> Bool {
        guard byteCount > recordLimit, let slots else { return need(byteCount).total <= room }
        return need(RingSlotReference.byteCount).total <= room && slots.hasFree(byteCount)
    }

    /// Whether what a record of `byteCount` bytes lacks is a slot, and not room in the ring.
    private func waitsForSlot(_ byteCount: Int) -> Bool {
        byteCount > recordLimit && slots != nil && need(RingSlotReference.byteCount).total <= room
    }

    @inline(never)
    private func spinForSlot(_ rounds: Int, _ byteCount: Int) -> SpinOutcome {
        for _ in 0..<rounds {
            if slots?.hasFree(byteCount) ?? false { return .found }
            Processor.spinHint()
        }
        return .nothing
    }
}

/// What a writer remembers of its ring's growth.
private struct GrowthState {
    let source: RingGrowth
    /// The number of the last offer.
    var number: UInt64
    /// The ring that was offered.
    var offered: RingMemory?
    private var fulls = 0
    private var fullMark = Mark()
    private var flowMark = Mark()

    /// Where the writer was when the clock was last looked at.
    private struct Mark {
        var position: UInt64 = 0
        var time: UInt64 = 0

        /// Bytes in a nanosecond since the last call; 0 at the first.
        mutating func rate(_ position: UInt64) -> Double {
            let now = MonotonicClock.nanoseconds()
            defer { self = Mark(position: position, time: now) }
            return time > 0 && now > time ? Double(position &- self.position) / Double(now - time) : 0
        }
    }

    /// How often the ring is full between two looks at the clock.
    private static let fullsBetweenLooks = 8
    /// The traffic that is worth a larger ring where it is full again and again, bytes in a nanosecond: 100 MB/s. A
    /// reader that is merely slow fills every ring.
    private static let worthwhile = 0.1
    /// How many rings are written between two looks at the clock.
    private static let roundsBetweenLooks: UInt64 = 64
    /// The traffic that is worth a larger ring, full or not: 1 GB/s. The writer of a small ring comes back to lines that
    /// the reader's core still holds, and takes twice as long for each.
    private static let flow = 1.0

    init(_ source: RingGrowth, number: UInt64) {
        self.source = source
        self.number = number
    }

    init(_ source: RingGrowth) {
        self.init(source, number: 0)
    }

    /// Whether the ring, full once more with its head at `position`, has been full often while much flowed.
    mutating func isOftenFull(_ position: UInt64) -> Bool {
        fulls += 1
        guard fulls % Self.fullsBetweenLooks == 0 else { return false }
        return fullMark.rate(position) > Self.worthwhile
    }

    /// Whether so much flows that a larger ring is faster, whoever waits for whom.
    mutating func flows(_ position: UInt64, ringBytes: Int) -> Bool {
        guard position &- flowMark.position >= Self.roundsBetweenLooks &* UInt64(ringBytes) else { return false }
        return flowMark.rate(position) > Self.flow
    }
}
