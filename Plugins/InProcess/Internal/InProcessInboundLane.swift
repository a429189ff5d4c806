// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

/// The receiving end of a ``RecordRing``.
///
/// `@safe`: the state lies in the memory of the ring, which the lane keeps alive, and only the lane's one user touches
/// it; records are touched as the ring permits.
@safe final class InProcessInboundLane: InboundLane {
    private let ring: RecordRing
    // Behind a pointer, so that no access is checked at run time.
    private let state: UnsafeMutablePointer<ReceiverState>
    private let link: LinkID

    /// Becomes the only receiver of `ring`.
    init(_ ring: RecordRing, link: LinkID) {
        self.ring = ring
        unsafe state = ring.receiver
        self.link = link
    }

    deinit {
        close()
    }

    func drain(_ maximum: Int, _ body: (InboundRecord) -> DrainStep) throws(NaruError) -> Int {
        if unsafe state.pointee.isClosed || state.pointee.closesAfterDrain { throw .laneClosed("receive", link) }
        if unsafe state.pointee.isDraining { throw .laneInUse("receive", link) }
        unsafe state.pointee.isDraining = true
        var returned = unsafe state.pointee.position
        var taken = 0
        while taken < maximum {
            let step = next(body)
            guard let step, step != .leaveAndStop else { break }
            taken += 1
            let position = unsafe state.pointee.position
            if unsafe step == .takeAndStop || state.pointee.closesAfterDrain { break }
            // Room is given back in the middle of a drain too: now and then, and at once to a sender that sleeps.
            if taken % 64 == 0 || position - returned > ring.byteCount / 8 || senderSleeps {
                giveBack()
                returned = position
            }
        }
        unsafe state.pointee.isDraining = false
        if unsafe state.pointee.position != returned { giveBack() }
        if unsafe state.pointee.closesAfterDrain { close() }
        return taken
    }

    /// Gives the next record to the closure, and goes on behind it when it was taken; `nil` when there is none.
    private func next(_ body: (InboundRecord) -> DrainStep) -> DrainStep? {
        var position = unsafe state.pointee.position
        var word = ring.visibleWord(at: position)
        if word != 0, ring.isWrap(at: position) {
            position += ring.bytesToEnd(from: position)
            word = ring.visibleWord(at: position)
        }
        // A visible record is the receiver's until it is given back.
        guard let (header, byteCount) = RecordHeader.split(word) else { return nil }
        let step: DrainStep
        if let message = unsafe ring.message(at: position) {
            step = unsafe Self.give(message.takeUnretainedValue(), header, to: body)
            if step == .leaveAndStop { return step }
            unsafe message.release()
            unsafe state.pointee.messageBytes += UInt64(byteCount)
            unsafe state.pointee.position = position + RecordRing.headByteCount
        } else {
            let bytes = unsafe RawSpan(_unsafeStart: ring.payload(at: position), byteCount: byteCount)
            step = body(InboundRecord(header: header, bytes: bytes))
            if step == .leaveAndStop { return step }
            unsafe state.pointee.position = position + RecordRing.footprint(byteCount)
        }
        return step
    }

    /// Gives a message to the closure; the record's own reference keeps it alive.
    private static func give(
        _ message: OwnedMessage, _ header: RecordHeader, to body: (InboundRecord) -> DrainStep
    ) -> DrainStep {
        body(InboundRecord(header: header, bytes: message.bytes, adopted: message))
    }

    /// Gives the room of everything taken back to the sender.
    private func giveBack() {
        unsafe ring.returnedMessageBytes.pointee.store(state.pointee.messageBytes, ordering: .relaxed)
        unsafe ring.returnedPosition.pointee.store(state.pointee.position, ordering: .sequentiallyConsistent)
        ring.wakeSender()
    }

    /// Whether the sender seems to sleep, so that room should not be kept back from it. A hint; ``giveBack()`` decides.
    private var senderSleeps: Bool {
        unsafe ring.senderWord.pointee.load(ordering: .relaxed) != RecordRing.awake
    }

    // MARK: Waiting

    func spin(_ rounds: Int) -> SpinOutcome {
        if unsafe state.pointee.isClosed || state.pointee.closesAfterDrain { return .found }
        if unsafe RecordRing.sharesCore(ring.receiverCore, ring.senderCore) { return .pointless }
        let position = unsafe state.pointee.position
        for round in 0..<rounds {
            if ring.visibleWord(at: position) != 0 { return .found }
            if round > 24 { Processor.spinHint() }
        }
        return .nothing
    }

    func arm(_ style: WaitStyle) throws(NaruError) -> WaitTarget {
        if unsafe state.pointee.isClosed || state.pointee.closesAfterDrain { throw .laneClosed("wait", link) }
        let value = RecordRing.value(of: style)
        unsafe ring.receiverWord.pointee.store(value, ordering: .sequentiallyConsistent)
        let isOver = unsafe ring.closed.pointee.load(ordering: .sequentiallyConsistent) & RecordRing.senderBit != 0
        // After the look at the closed word: what was sent before the end is visible by now.
        if unsafe ring.isVisibleBeforeSleep(state.pointee.position) { return .ready }
        if isOver { return .ended }
        return switch style {
        case .thread: unsafe .word(UnsafePointer(ring.receiverWord), value: value)
        case .task: .bell
        }
    }

    func disarm() {
        unsafe ring.receiverWord.pointee.store(RecordRing.awake, ordering: .releasing)
    }

    // MARK: Closing

    func close() {
        if unsafe state.pointee.isClosed { return }
        if unsafe state.pointee.isDraining {
            unsafe state.pointee.closesAfterDrain = true
            return
        }
        unsafe state.pointee.isClosed = true
        ring.closeReceiver()
    }
}
