// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruSystem
internal import Synchronization

// Safe: the buffer leaves only as spans that end with the closure; bounds are shown where it is read and written.
/// The receiving half of a byte stream: reads as much as there is with one call, then gives the records in place.
///
/// One thread or task uses it at a time. No operation blocks. Records are read into one private buffer, so a peer
/// cannot change what was checked. The buffer begins small, doubles up to `StreamFormat.readBytes` while reads fill it,
/// and grows to hold the largest record that was announced, at most the agreed one. A record that is split over reads
/// is moved at most once.
///
/// What a hostile peer can do is end the lane: a header that cannot be a record's throws
/// ``NaruCore/NaruError/Code/protocolViolation`` now and at every later call, after the records before it were given.
@safe
public final class StreamInboundLane: InboundLane {
    private let end: StreamEnd
    private let companion: StreamOutbox?
    private let maximumRecordBytes: Int
    private let name: String

    // The buffer: bytes not yet given lie in head ..< tail. `head` is a multiple of eight and of the same rest as the
    // position in the stream, and passes `tail` by up to seven bytes while a record's padding has not come yet.
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private var head = StreamInboundLane.front
    private var tail = StreamInboundLane.front

    /// The last read filled the buffer: there is more than it holds.
    private var isShort = false
    private var hasEnded = false
    private var isDraining = false
    private var isClosed = false
    private var failure: NaruError?

    /// Where the next record is moved to: far enough from the begin that missing padding can stand before it.
    private static let front = 8
    /// How large the buffer is at first: a link that carries little costs little.
    private static let firstCapacity = 2048

    /// Makes a lane over one end of a stream.
    /// - Parameters:
    ///   - end: The stream; closed with its last lane.
    ///   - companion: The outbound lane of the same link and process, where there is one: whoever waits for an answer
    ///     first has what it gathered written.
    ///   - maximumRecordBytes: The most bytes of one record, as agreed with the sender.
    ///   - name: How errors name the lane.
    public init(
        _ end: StreamEnd, companion: StreamOutboundLane? = nil,
        maximumRecordBytes: Int = StreamFormat.maximumRecordBytes, name: String = "stream"
    ) {
        self.end = end
        self.companion = companion?.outbox
        self.maximumRecordBytes = maximumRecordBytes
        self.name = name
        capacity = Self.firstCapacity
        // Freed in release() or deinit.
        unsafe base = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        close()
        unsafe base.deallocate()
    }

    public func drain(_ maximum: Int, _ body: (InboundRecord) -> DrainStep) throws(NaruError) -> Int {
        try check("receive")
        guard maximum > 0, try hasRecord() else { return 0 }

        // Positions live in locals while the closure runs, and the buffer stays as it is: only fill() moves it, and
        // nothing calls that before `isDraining` is off again.
        isDraining = true
        let memory = unsafe base
        let limit = tail
        var position = head
        var taken = 0
        while taken < maximum, !isClosed, limit - position >= RecordHeader.byteCount {
            // A word that cannot be a record's ends the loop, and is the next call's error: it is no longer the first.
            let word = UInt64(littleEndian: unsafe memory.load(fromByteOffset: position, as: UInt64.self))
            guard let (header, byteCount) = checked(word) else { break }
            let begin = position + RecordHeader.byteCount
            guard limit - begin >= byteCount else { break }
            // In bounds: begin + byteCount ≤ limit. The span does not escape the closure.
            let bytes = unsafe RawSpan(_unsafeStart: memory + begin, byteCount: byteCount)
            let step = body(InboundRecord(header: header, bytes: bytes))
            if step == .leaveAndStop { break }
            position = begin + byteCount + StreamFormat.padding(after: byteCount)
            taken += 1
            if step == .takeAndStop { break }
        }
        head = position
        isDraining = false
        if isClosed { release() }
        return taken
    }

    /// Reads again and again, a system call each time: a sixteenth of the looks asked for, each being that much dearer.
    public func spin(_ rounds: Int) -> SpinOutcome {
        for _ in 0..<max(1, rounds / 16) {
            // What went wrong is said by the drain that follows.
            guard let isThere = try? hasRecord() else { return .found }
            if isThere || hasEnded { return .found }
        }
        return .nothing
    }

    public func arm(_ style: WaitStyle) throws(NaruError) -> WaitTarget {
        try check("wait")
        // No read: what has come since the last one makes the descriptor readable.
        if try isRecordBuffered() { return .ready }
        companion?.flushForWaiter()
        if hasEnded { return .ended }
        return style == .thread && end.kind == .socket
            ? .reception(end.descriptor) : .descriptor(end.descriptor, .readable)
    }

    public func sleep() -> Bool {
        do throws(NaruError) {
            return try readOnce(blocking: true) != .wouldBlock
        } catch {
            // The drain that follows says so, or finds that only a signal came.
            return true
        }
    }

    public func disarm() {}

    /// Closes the stream, or leaves it to the outbound lane that still uses it. From inside a drain's closure it takes
    /// effect when the closure has returned.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        if !isDraining { release() }
    }

    // MARK: Reading

    /// Whether a whole record lies in the buffer, after a read where there was none.
    @inline(__always)
    private func hasRecord() throws(NaruError) -> Bool {
        if try isRecordBuffered() { return true }
        return try fill()
    }

    /// Whether a whole record lies in the buffer.
    private func isRecordBuffered() throws(NaruError) -> Bool {
        guard tail - head >= RecordHeader.byteCount else { return false }
        let byteCount = try announced()
        return tail - head - RecordHeader.byteCount >= byteCount
    }

    /// The byte count of the record at the head, whose header has come.
    private func announced() throws(NaruError) -> Int {
        let word = UInt64(littleEndian: unsafe base.load(fromByteOffset: head, as: UInt64.self))
        if let (_, byteCount) = checked(word) { return byteCount }
        let error = violation(word)
        failure = error
        throw error
    }

    /// Reads until a whole record lies in the buffer; `false` when there is none now.
    private func fill() throws(NaruError) -> Bool {
        companion?.flushForWaiter()
        while !hasEnded {
            guard case .bytes = try readOnce() else { return false }
            if try isRecordBuffered() { return true }
        }
        return false
    }

    /// Reads what there is, as far as it fits the buffer.
    private func readOnce(blocking: Bool = false) throws(NaruError) -> IOResult {
        try makeRoom()
        // In bounds: makeRoom leaves tail < capacity.
        let room = unsafe UnsafeMutableRawBufferPointer(start: base + tail, count: capacity - tail)
        let result = unsafe try read(into: room, blocking: blocking)
        switch result {
        case .bytes(let count):
            tail += count
            isShort = tail == capacity
            // Relaxed: a hint.
            companion?.peerSpoke.store(true, ordering: .relaxed)
        case .wouldBlock:
            break
        case .endOfFile:
            // What lies here is the begin of a record that never became whole.
            hasEnded = true
            tail = head
        }
        return result
    }

    private func read(into room: UnsafeMutableRawBufferPointer, blocking: Bool) throws(NaruError) -> IOResult {
        do throws(SystemError) {
            return unsafe try blocking ? end.descriptor.receiveBlocking(into: room) : end.read(into: room)
        } catch {
            // The kernel reports a reset only after everything that came before it was read.
            if StreamFailure.isHangUp(error) { return .endOfFile }
            let failure = StreamFailure.other(error, "receive", name)
            if error.errno != SystemErrno.interrupted { self.failure = failure }
            throw failure
        }
    }

    /// Makes room for the rest of the record at the head, and for as much more as fits.
    private func makeRoom() throws(NaruError) {
        let kept = tail - head
        let needed = RecordHeader.byteCount + (kept >= RecordHeader.byteCount ? try announced() : 0)
        let front = Self.front
        let wanted = isShort && capacity < StreamFormat.readBytes ? 2 * capacity : capacity
        if max(front + needed, wanted) > capacity {
            capacity = max((front + needed + 4095) & ~4095, wanted)
            isShort = false
            let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
            if kept > 0 { unsafe (larger + front).copyMemory(from: base + head, byteCount: kept) }
            unsafe base.deallocate()
            unsafe base = larger
        } else if head + needed > capacity || kept <= Self.cheapToMove {
            if kept > 0 { unsafe (base + front).copyMemory(from: base + head, byteCount: kept) }
        } else {
            return
        }
        head = front
        tail = front + kept
    }

    /// A begin of a record that is so small is moved to gain the whole buffer for the next read.
    private static let cheapToMove = 4096

    /// Splits a header word, if it can be a record's.
    @inline(__always)
    private func checked(_ word: UInt64) -> (RecordHeader, Int)? {
        guard let (header, byteCount) = RecordHeader.split(word), byteCount <= maximumRecordBytes,
            StreamFormat.carries(header.kind), Int(header.extensionByteCount) <= byteCount
        else { return nil }
        return (header, byteCount)
    }

    @inline(never)
    private func violation(_ word: UInt64) -> NaruError {
        let what = StreamFormat.violation(word, maximumRecordBytes: maximumRecordBytes)
        return StreamFailure.violation(what ?? "a record cannot be read", name)
    }

    @inline(__always)
    private func check(_ operation: String) throws(NaruError) {
        if isDraining {
            throw NaruError(
                .reentrant, operation: operation, object: name, reason: "called from inside a drain of the same lane")
        }
        if let failure { throw failure }
    }

    private func release() {
        failure = StreamFailure.closed("receive", name)
        hasEnded = true
        head = Self.front
        tail = Self.front
        capacity = Self.front
        unsafe base.deallocate()
        unsafe base = .allocate(byteCount: capacity, alignment: 16)
        end.release(sending: false)
    }
}
