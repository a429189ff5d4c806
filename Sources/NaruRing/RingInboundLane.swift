// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruSystem
internal import Synchronization

/// The reading end of a ring. See ``RingLayout`` for what it reads, and with which memory order.
///
/// Records are given in place, out of memory that this end maps read-only. The writer is not trusted: each header word
/// is loaded once, checked against the ring, then used. A word that breaks the layout poisons the lane: this call and
/// every later one throw ``NaruError/Code/protocolViolation``. The payload's bytes can change under a view as long as
/// the writer's process is able to write them.
///
/// Room goes back to the writer whenever a sixteenth of the ring has been taken, when the writer seems to wait for it,
/// and before this end waits: so that answering a message comes before the bookkeeping for it. What is kept back is
/// less than a sixteenth, and a record takes at most half of the ring with its padding, so a writer whose ring is read
/// empty always has room.
@safe
public final class RingInboundLane: InboundLane {
    private enum Phase { case open, draining, closing, closed }

    // The pointers lead into `memory`, with which they change, and which is let go only in the phase `closed`, in which
    // nothing follows them.
    private var ring: UnsafeRawPointer
    private var cursor: UnsafePointer<Atomic<UInt64>>
    private var readerClosed: UnsafePointer<Atomic<UInt32>>
    private var writerClosed: UnsafePointer<Atomic<UInt32>>
    private var readerArmed: ArmedWord
    private var writerArmed: ArmedWord
    private var ringBytes: Int
    private var maximumRecordBytes: Int
    /// How much is taken before the writer is given the room, bytes.
    private var releaseStep: Int { ringBytes >> 4 }
    private let successors: RingSuccessors?
    private let shelf: RingSlotShelf?
    /// The slots that the writer may refer to, as last looked up.
    private var slots: [RingShelvedSlot] = []
    // The kinds of record that a writer may send.
    private let firstKind = RecordHeader.Kind.data.rawValue
    private let lastKind = RecordHeader.Kind.finish.rawValue
    private let peerBell: any Bell
    private let name: String
    private var memory: RingMemory?

    /// Where the next record is.
    private var tail: UInt64
    /// Up to where the writer was given room.
    private var released: UInt64
    /// Where the records end that are lent.
    private var lentEnd: UInt64 = 0
    /// Where the last padding ended: none may begin there, so that a writer cannot keep this end busy with nothing.
    private var paddedTo = UInt64.max
    private var phase = Phase.open
    /// How often something was there since this end last armed, or much of it.
    private var finds = 0
    /// Whether this end covers for the writer: see ``ArmedWord``.
    private var isCovering = false
    /// How the writer broke the layout.
    private var violation: NaruError?

    /// Reads from `memory`, which this end checked.
    /// - Parameters:
    ///   - memory: The memories; nothing is written to the data memory.
    ///   - name: The transport's name, for errors.
    ///   - peerBell: Wakes the writer when it waits as a task.
    ///   - successors: Where larger rings wait that the writer may switch to; `nil`: it may not.
    ///   - shelf: Where the slots are that the writer may refer to; `nil`: it may not.
    public convenience init(
        _ memory: RingMemory, name: String, peerBell: any Bell, successors: RingSuccessors? = nil,
        shelf: RingSlotShelf? = nil
    ) {
        self.init(
            memory, name: name, peerBell: peerBell, successors: successors, shelf: shelf, startingAt: 0)
    }

    /// As above, with the ring's first record at a position other than 0: a multiple of 8, the same at both ends.
    init(
        _ memory: RingMemory, name: String, peerBell: any Bell, successors: RingSuccessors? = nil,
        shelf: RingSlotShelf? = nil, startingAt position: UInt64
    ) {
        self.successors = successors
        self.shelf = shelf
        precondition(position % 8 == 0, "a record cannot begin at \(position)")
        self.memory = memory
        self.name = name
        self.peerBell = peerBell
        ringBytes = memory.header.ringBytes
        maximumRecordBytes = RingLayout.maximumRecordBytes(ringBytes: ringBytes)
        unsafe ring = UnsafeRawPointer(memory.ring)
        unsafe cursor = memory.cursor
        unsafe readerClosed = memory.readerClosed
        unsafe writerClosed = memory.writerClosed
        readerArmed = memory.readerArmed
        writerArmed = memory.writerArmed
        tail = position
        released = position
    }

    deinit {
        close()
    }

    public func drain(_ maximum: Int, _ body: (InboundRecord) -> DrainStep) throws(NaruError) -> Int {
        guard phase == .open, violation == nil else { throw refusal("drain") }
        // Positions are locals while `body` runs: it may call this lane, which then sees it draining and refuses.
        phase = .draining
        var position = tail
        var taken = 0
        // The last word that was found to be a record, and what it says. A word equal to it says the same, so that it
        // need not be taken apart again, and the core can go on to the next before the load of this one is done.
        var known = Known()
        draining: while taken < maximum {
            let offset = Int(truncatingIfNeeded: position) & (ringBytes &- 1)
            let word = unsafe headerWord(offset).pointee.load(ordering: .acquiring)
            if word != known.word || offset &+ known.stride > ringBytes {
                if word == 0 { break }
                switch examine(word, offset, &known, &position) {
                case .record: break
                case .nothing: continue
                case .violation: break draining
                case .slot(let slot, let reference):
                    let step = lend(slot, reference, body)
                    if step == .leaveAndStop { break draining }
                    position &+= UInt64(truncatingIfNeeded: RecordRoom.stride(RingSlotReference.byteCount))
                    taken &+= 1
                    if step == .takeAndStop || phase != .draining { break draining }
                    continue
                }
            }
            // `examine` proved that the bytes lie in the ring. They are this end's until it releases them, which it
            // does after `body` returned, and mapped until then, since a close is deferred.
            let step = body(
                InboundRecord(
                    header: RecordHeader(word: known.word),
                    bytes: unsafe RawSpan(
                        _unsafeStart: ring + (offset &+ RecordHeader.byteCount), byteCount: known.byteCount)))
            if step == .leaveAndStop { break }
            position &+= UInt64(truncatingIfNeeded: known.stride)
            taken &+= 1
            if step == .takeAndStop || phase != .draining { break }
            if Int(truncatingIfNeeded: position &- released) >= releaseStep { release(position) }
        }
        tail = position
        if position != released, taken == 0 || isReleaseDue(position) { release(position) }
        if phase == .closing {
            finishClosing()
        } else {
            phase = .open
        }
        if let violation { throw violation }
        return taken
    }

    public func borrow(_ records: UnsafeMutableBufferPointer<LentRecord>) throws(NaruError) -> Int {
        guard phase == .open, violation == nil else { throw refusal("borrow") }
        var position = tail
        var count = 0
        // As in a drain. Padding is passed over where it does not lead back to the ring's beginning, so that the
        // records lie in one piece; whatever else there is, the drain that follows finds.
        var known = Known()
        while count < records.count {
            let offset = Int(truncatingIfNeeded: position) & (ringBytes &- 1)
            let word = unsafe headerWord(offset).pointee.load(ordering: .acquiring)
            if word != known.word || offset &+ known.stride > ringBytes {
                let header = RecordHeader(word: word)
                // -1 comes from a commit word of 0.
                let byteCount = Int(UInt32(truncatingIfNeeded: word)) &- 1
                let stride = RecordRoom.stride(byteCount)
                if header.isPlain, isRecord(header, byteCount, stride: stride, offset: offset) {
                    known = Known(word: word, byteCount: byteCount, stride: stride)
                } else if position != paddedTo, isPadding(header, byteCount, offset: offset),
                    count == 0 || offset &+ byteCount &+ RecordHeader.byteCount < ringBytes
                {
                    position &+= UInt64(truncatingIfNeeded: byteCount &+ RecordHeader.byteCount)
                    paddedTo = position
                    if count == 0 { tail = position }
                    known = Known()
                    continue
                } else {
                    break
                }
            }
            // The check above proved that the bytes lie in the ring, as in a drain.
            unsafe records[count] = LentRecord(
                start: ring + (offset &+ RecordHeader.byteCount), byteCount: known.byteCount)
            position &+= UInt64(truncatingIfNeeded: known.stride)
            count &+= 1
            // A large record is the last: the next one's line would be fetched long before it is read, and from a
            // writer's core that is still busy there.
            if known.byteCount >= RecordRoom.largeByteCount { break }
        }
        guard count > 0 else { return 0 }
        phase = .draining
        lentEnd = position
        return count
    }

    public func giveBack(_ records: UnsafeMutableBufferPointer<LentRecord>, taken count: Int) {
        // Records lie one behind the other, so the first that was not taken begins as far behind the first of all as
        // its bytes are.
        let position =
            count == records.count
            ? lentEnd : tail &+ UInt64(truncatingIfNeeded: unsafe records[count].start - records[0].start)
        tail = position
        if position != released, isReleaseDue(position) { release(position) }
        if phase == .closing {
            finishClosing()
        } else {
            phase = .open
        }
    }

    public func spin(_ rounds: Int) -> SpinOutcome {
        guard phase == .open, violation == nil else { return .found }
        if tail != released { release(tail) }
        let core = Processor.currentCore() &+ 1
        readerArmed.publish(core)
        if writerArmed.isOn(core) { return .pointless }
        // Relaxed: the drain that follows acquires.
        let word = unsafe headerWord(Int(truncatingIfNeeded: tail) & (ringBytes &- 1))
        // The first looks without a pause: a peer that answers at once is there within a few of them.
        for _ in 0..<Self.eagerRounds where unsafe word.pointee.load(ordering: .relaxed) != 0 { return found() }
        for _ in 0..<rounds {
            if unsafe word.pointee.load(ordering: .relaxed) != 0 { return found() }
            Processor.spinHint()
        }
        return .nothing
    }

    private static let eagerRounds = 100

    @inline(__always)
    private func found() -> SpinOutcome {
        finds &+= 1
        if !isCovering, finds >= Self.findsBeforeCover { cover() }
        return .found
    }

    /// Ending the cover costs as much as some hundred fences of the writer's, and stops other cores for a moment.
    private static let findsBeforeCover = 256

    /// Covers for the writer, which sends much while this end does not sleep, if fences can be imposed on it.
    @inline(never)
    private func cover() {
        finds = 0
        guard writerArmed.isRegistered, ProcessFence.imposeOnAll() else { return }
        isCovering = true
        readerArmed.beginCover()
    }

    public func arm(_ style: WaitStyle) throws(NaruError) -> WaitTarget {
        guard phase == .open, violation == nil else { throw refusal("arm") }
        if tail != released { release(tail) }
        readerArmed.publish(Processor.currentCore() &+ 1)
        let target = readerArmed.arm(style)
        finds = 0
        if isCovering {
            isCovering = false
            readerArmed.endCover()
        }
        // Before the look at the ring: a writer that closed shows no record afterwards.
        let isWriterGone = unsafe writerClosed.pointee.load(ordering: .sequentiallyConsistent) != 0
        let offset = Int(truncatingIfNeeded: tail) & (ringBytes - 1)
        if unsafe headerWord(offset).pointee.load(ordering: .sequentiallyConsistent) != 0 { return .ready }
        return isWriterGone ? .ended : target
    }

    public func disarm() {
        if phase != .closed { readerArmed.disarm() }
    }

    public func close() {
        switch phase {
        case .open: finishClosing()
        case .draining: phase = .closing
        case .closing, .closed: break
        }
    }

    private func finishClosing() {
        if tail != released { release(tail) }
        phase = .closed
        unsafe readerClosed.pointee.store(1, ordering: .sequentiallyConsistent)
        if writerArmed.isArmed { wakeWriter() }
        memory = nil
        slots = []
        shelf?.close()
        successors?.close()
    }

    private func refusal(_ operation: String) -> NaruError {
        switch phase {
        case .draining, .closing:
            NaruError(
                .reentrant, operation: operation, object: name, reason: "the lane is used from inside its own closure")
        case .closed: NaruError(.closed, operation: operation, object: name, reason: "this end closed the lane")
        case .open: violation ?? NaruError(.closed, operation: operation, object: name, reason: "the lane is closed")
        }
    }
}

// MARK: - What the writer wrote

extension RingInboundLane {
    @inline(__always)
    private func headerWord(_ offset: Int) -> UnsafePointer<Atomic<UInt64>> {
        // Offsets are multiples of 8 below the ring's size.
        unsafe (ring + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    /// A header word that was found to be a record in this ring.
    private struct Known {
        /// 0: none.
        var word: UInt64 = 0
        var byteCount = 0
        /// What the record takes of the ring, bytes; more than any ring has while there is none.
        var stride = RingLayout.maximumRingBytes + 1
    }

    /// What a header word turned out to be.
    private enum Finding {
        /// A record, which is known now.
        case record
        /// Nothing to be lent: the position is that of the next record.
        case nothing
        /// A record that lies in a slot.
        case slot(RingShelvedSlot, RingSlotReference)
        /// It breaks the layout.
        case violation
    }

    /// Finds out what a header word other than the known one says.
    @inline(never)
    private func examine(
        _ word: UInt64, _ offset: Int, _ known: inout Known, _ position: inout UInt64
    ) -> Finding {
        let header = RecordHeader(word: word)
        // -1 comes from a commit word of 0.
        let byteCount = Int(UInt32(truncatingIfNeeded: word)) &- 1
        let stride = RecordRoom.stride(byteCount)
        if isRecord(header, byteCount, stride: stride, offset: offset) {
            known = Known(word: word, byteCount: byteCount, stride: stride)
            return .record
        }
        // What follows may lead into another ring, where the known word need not be a record.
        known = Known()
        if isPadding(header, byteCount, offset: offset), position != paddedTo {
            position &+= UInt64(truncatingIfNeeded: byteCount &+ RecordHeader.byteCount)
            paddedTo = position
            return .nothing
        }
        if isSwitch(header, byteCount, stride: stride, offset: offset), follow(offset) {
            position = 0
            return .nothing
        }
        if let reference = reference(header, byteCount, offset: offset), let slot = slot(reference) {
            return .slot(slot, reference)
        }
        violate(word, position)
        return .violation
    }

    /// Whether records of this kind are the lane's own affair: `outOfLine` and `switch`, 4 and 5.
    @inline(__always)
    private static func isOfTheLane(_ kind: RecordHeader.Kind) -> Bool { kind.rawValue & 6 == 4 }

    /// Whether a header word describes a record that lies in the ring.
    @inline(__always)
    private func isRecord(_ header: RecordHeader, _ byteCount: Int, stride: Int, offset: Int) -> Bool {
        header.kind.rawValue &- firstKind <= lastKind &- firstKind && !Self.isOfTheLane(header.kind)
            && byteCount >= Int(header.extensionByteCount) && byteCount <= maximumRecordBytes
            && offset &+ stride <= ringBytes
    }

    /// Whether a header word is a `switch` as a writer makes it: eight bytes behind it, the successor's number.
    @inline(never)
    private func isSwitch(_ header: RecordHeader, _ byteCount: Int, stride: Int, offset: Int) -> Bool {
        header == RecordHeader(kind: .switch) && byteCount == 8 && offset &+ stride <= ringBytes
    }

    /// Goes on in the ring that the `switch` record at `offset` names; `false` when there is none. What was read in the
    /// old ring was given away, so its memory is let go here.
    @inline(never)
    private func follow(_ offset: Int) -> Bool {
        // `isSwitch` proved that the number lies in the ring.
        let number = unsafe ring.load(fromByteOffset: offset &+ RecordHeader.byteCount, as: UInt64.self)
        guard let memory = successors?.take(number) else { return false }
        unsafe ring = UnsafeRawPointer(memory.ring)
        unsafe cursor = memory.cursor
        unsafe readerClosed = memory.readerClosed
        unsafe writerClosed = memory.writerClosed
        readerArmed = memory.readerArmed
        writerArmed = memory.writerArmed
        ringBytes = memory.header.ringBytes
        maximumRecordBytes = RingLayout.maximumRecordBytes(ringBytes: ringBytes)
        released = 0
        paddedTo = .max
        self.memory = memory
        isCovering = false
        // The writer may wait here, already, for a slot that was released before.
        if writerArmed.isArmed { wakeWriter() }
        return true
    }

    /// Whether a header word is padding as a writer makes it: to the ring's end, and less than the largest record
    /// takes, or less than a cache line.
    @inline(never)
    private func isPadding(_ header: RecordHeader, _ byteCount: Int, offset: Int) -> Bool {
        let rest = ringBytes &- offset &- RecordHeader.byteCount
        guard header == RecordHeader(kind: .padding), byteCount >= 0, byteCount & 7 == 0 else { return false }
        return byteCount == rest
            ? byteCount <= RingLayout.maximumPaddingBytes(ringBytes: ringBytes) : byteCount < 64 && byteCount < rest
    }

    @inline(never)
    private func violate(_ word: UInt64, _ position: UInt64) {
        violation = NaruError(
            .protocolViolation, operation: "drain", object: name,
            reason: "the header word 0x\(String(word, radix: 16)) at position \(position) is no record")
    }

    /// Gives the writer the room up to `position`, after the last load of what lies before it.
    @inline(__always)
    private func release(_ position: UInt64) {
        released = position
        unsafe cursor.pointee.store(position, ordering: .releasing)
        if writerArmed.isArmed { wakeWriter() }
        finds &+= 1
    }

    /// Whether the room up to `position` should not be kept back.
    @inline(__always)
    private func isReleaseDue(_ position: UInt64) -> Bool {
        Int(truncatingIfNeeded: position &- released) >= releaseStep || writerArmed.seemsArmed
    }

    @inline(never)
    private func wakeWriter() {
        readerArmed.publish(Processor.currentCore() &+ 1)
        writerArmed.wake(peerBell)
    }
}

// MARK: - Records in slots

extension RingInboundLane {
    /// What the `outOfLine` record at `offset` says; `nil` when it is none as a writer makes it. Each word is loaded
    /// once.
    @inline(never)
    private func reference(_ header: RecordHeader, _ byteCount: Int, offset: Int) -> RingSlotReference? {
        guard header == RecordHeader(kind: .outOfLine), byteCount == RingSlotReference.byteCount,
            offset &+ RecordRoom.stride(byteCount) <= ringBytes
        else { return nil }
        // Relaxed: ordered by the acquiring load of the header word. Within the ring, as was just checked.
        func word(_ index: Int) -> UInt64 {
            unsafe headerWord(offset &+ RecordHeader.byteCount &+ 8 &* index).pointee.load(ordering: .relaxed)
        }
        return RingSlotReference(slot: word(0), use: word(1), word: word(2))
    }

    /// The slot that a record lies in, whole; `nil` when there is none.
    private func slot(_ reference: RingSlotReference) -> RingShelvedSlot? {
        guard let shelf else { return nil }
        var slot = slots.first { $0.number == reference.slot }
        if slot == nil {
            slots = shelf.all
            slot = slots.first { $0.number == reference.slot }
        }
        guard let slot, reference.recordBytes <= slot.memory.byteCount else { return nil }
        return slot
    }

    /// Gives a record that lies in a slot, and then the slot back where the record was taken.
    @inline(never)
    private func lend(
        _ slot: RingShelvedSlot, _ reference: RingSlotReference, _ body: (InboundRecord) -> DrainStep
    ) -> DrainStep {
        // `slot(_:)` proved that the bytes lie in the slot, which stays mapped as long as the value here exists.
        let step = body(
            InboundRecord(
                header: reference.header,
                bytes: unsafe RawSpan(
                    _unsafeStart: UnsafeRawPointer(slot.memory.base), byteCount: reference.recordBytes)))
        if step != .leaveAndStop {
            slot.release(reference.use)
            if writerArmed.isArmed { wakeWriter() }
        }
        return step
    }
}
