// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

// `@unchecked Sendable`: each mutable property is read and written only inside the gate, the flusher's patience only on
// the reactor's thread.
// Safe: the one pointer is into the lane's pool, which lives until `close()`, and nothing is read behind its count.
/// Accepts records for a stream, gathers small ones, and writes.
///
/// Records accepted but not yet taken by the kernel are *pending*; they lie in one buffer, in order. A record that is
/// not gathered is written together with what is pending, in one call and without a copy of its payload; what the
/// kernel leaves of it is copied behind the pending bytes. So the pending bytes are bounded by `gatherBytes` and the
/// remainder of one record.
///
/// **When a record is gathered.** In a batch, always. Outside a batch, when something is pending already, or when the
/// last system call ended less than one call's cost ago and nothing was received on the link since: then this is a
/// burst and not a conversation. The cost is learned. Large records are never gathered: the copy would cost more than
/// the call. What is pending is written when the buffer is full, when this process waits on the link, when the kernel
/// becomes writable again, or by the reactor's thread after the deadline.
///
/// **Threads.** The sender and the flushers exclude one another with a ``LaneGate``; in a batch the sender stays in.
@safe final class StreamOutbox: @unchecked Sendable {
    let end: StreamEnd
    let name: String
    let reactor: Reactor?
    let gate = LaneGate()
    /// The link's inbound lane read something since it was last asked.
    let peerSpoke = Atomic<Bool>(false)
    private let gatherBytes: Int
    /// Records of more bytes are written without a copy.
    private let gatherRecordBytes: Int
    let deadlineNanoseconds: UInt64
    private let gathers: Bool

    private let buffer: GatherBuffer
    /// What the pipe has not yet taken of a record whose pages it is given. It comes before what is in the buffer.
    private var lent: UnsafeRawPointer?
    private var lentBytes = 0
    /// How many bytes the kernel has taken since the lane began.
    private(set) var written: UInt64 = 0

    /// The sender is inside a batch, and inside the gate.
    private(set) var isHeld = false
    /// The sender waits for room; nobody else needs to flush.
    var isAwaited = false
    /// The kernel took less than it was given, and nobody has waited since.
    var isBlocked = false
    /// Why nothing can be sent any more.
    private(set) var failure: NaruError?

    // When to gather: clock readings and a duration, ns.
    private var lastCallEnd: UInt64 = 0
    private var callCost: UInt64 = StreamOutbox.firstCallCost
    var gatherBegin: UInt64 = 0

    // The reactor's part, see StreamOutbox+Flusher.
    var timer: Reactor.Timer?
    var watch: (registration: Reactor.Registration, descriptor: Descriptor)?
    var isWatching = false
    var patience: UInt64 = 0

    private static let firstCapacity = 512
    private static let firstCallCost: UInt64 = 1_000
    private static let callCosts: ClosedRange<UInt64> = 300...50_000

    /// Every record is copied before it is written: a newline follows it.
    private let joinsAll: Bool

    init(
        _ end: StreamEnd, configuration: StreamConfiguration, framing: StreamFraming, reactor: Reactor?, name: String
    ) {
        self.end = end
        self.name = name
        self.reactor = reactor
        gatherBytes = max(configuration.gatherBytes, 256)
        gatherRecordBytes = gatherBytes / 8
        deadlineNanoseconds = Self.nanoseconds(configuration.gatherDeadline)
        gathers = configuration.gathers && reactor != nil
        // It grows with what is gathered, up to about `gatherBytes`: most links gather little.
        buffer = GatherBuffer(capacity: StreamOutbox.firstCapacity, framing: framing)
        joinsAll = framing == .raw(.lines)
    }

    /// Bytes accepted that the kernel has not taken.
    var pending: Int { buffer.count + lentBytes }

    // MARK: The sender's operations

    /// Comes into the gate, unless a batch is open: then the sender is inside.
    @inline(__always)
    func enter() {
        if !isHeld { gate.enter() }
    }

    @inline(__always)
    func leave() {
        if !isHeld { gate.leave() }
    }

    /// Accepts a record; `false`: no room and no effect. `always` takes it whatever the room, and always answers
    /// `true`.
    func accept(
        _ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan, always: Bool
    ) throws(NaruError) -> Bool {
        enter()
        defer { leave() }
        if let failure { throw failure }
        let size = buffer.room(forRecord: prefix.byteCount + bytes.byteCount)
        if bytes.byteCount <= gatherRecordBytes, pending + size <= gatherBytes, gathersNow() {
            buffer.append(header, prefix, bytes.byteCount)
            buffer.append(bytes)
            buffer.endRecord()
            if !isHeld { setTimer() }
            return true
        }
        return try writeThrough(header, prefix, bytes, always: always)
    }

    /// Accepts a record that lies in the pool's loan, whatever the room. The pipe is given its pages; where it has no
    /// room even for what is pending before, the record is copied behind that, and the loan is free again.
    func acceptPages(_ header: RecordHeader, _ bytes: UnsafeRawBufferPointer, in pool: PagePool) throws(NaruError) {
        enter()
        defer { leave() }
        if let failure { throw failure }
        try writePending()
        if pending > 0 {
            // In bounds: the loan is the lane's until this returns.
            let span = unsafe RawSpan(_unsafeBytes: bytes)
            buffer.append(header, RawSpan(), bytes.count)
            buffer.append(span)
        } else {
            let record = unsafe pool.record(
                header, padding: buffer.paddingDue, byteCount: bytes.count, at: written)
            unsafe lent = record.baseAddress
            lentBytes = record.count
            buffer.pass(recordBytes: bytes.count)
            try writeLent()
        }
        if pending > 0, !isHeld { setTimer() }
    }

    /// How many bytes have been read from the pipe, at least.
    func readBytes() -> UInt64 {
        enter()
        defer { leave() }
        // Less what others put into it before the lane began: then it is less than what was read.
        let inside = (try? UnixSocket.pendingInput(end.descriptor)) ?? Int.max
        return written - min(written, UInt64(clamping: inside))
    }

    /// Whether the pipe waits for more pages of a record.
    var isLending: Bool {
        enter()
        defer { leave() }
        return lentBytes > 0
    }

    /// Gives the pipe more of the pages that it was to have, as far as it takes them.
    private func writeLent() throws(NaruError) {
        let count: Int
        do throws(SystemError) {
            // The pages stay as they are until the pipe's reader has read them: see PagePool.
            let result = unsafe try end.descriptor.lendToPipe(UnsafeRawBufferPointer(start: lent, count: lentBytes))
            count = if case .bytes(let count) = result { count } else { 0 }
        } catch {
            fail(StreamFailure.sending(error, name))
            throw StreamFailure.sending(error, name)
        }
        written += UInt64(count)
        // In bounds: the kernel takes at most what there is.
        unsafe lent = lent.map { unsafe $0 + count }
        lentBytes -= count
        // It takes less only where it is full.
        isBlocked = lentBytes > 0
    }

    /// Begins a batch: the sender stays in the gate.
    func hold() {
        enter()
        isHeld = true
    }

    /// Ends a batch and writes.
    func publish() throws(NaruError) {
        enter()
        isHeld = false
        defer { leave() }
        if let failure { throw failure }
        try writePending()
        if pending > 0 { setTimer() }
    }

    /// Writes what is pending; whether the kernel took all of it.
    func flush() throws(NaruError) -> Bool {
        enter()
        defer { leave() }
        if let failure { throw failure }
        try writePending()
        if pending > 0, !isHeld { setTimer() }
        return pending == 0
    }

    /// Whether a record of `byteCount` bytes would be accepted now, or is worth trying. Writes what is pending where
    /// that makes the room.
    func hasRoom(_ byteCount: Int) throws(NaruError) -> Bool {
        enter()
        defer { leave() }
        if let failure { throw failure }
        if fits(byteCount) { return true }
        try writePending()
        return fits(byteCount)
    }

    /// Writes what is pending, then answers as ``hasRoom(_:)``, for 0 bytes whether nothing is pending any more; if
    /// `false`, the sender is noted as one who waits.
    func beginAwaiting(_ byteCount: Int) throws(NaruError) -> Bool {
        enter()
        defer { leave() }
        if let failure { throw failure }
        try writePending()
        // Who waits for a flush has room for nothing, and would look again and again.
        isAwaited = byteCount == 0 ? pending > 0 : !fits(byteCount)
        return !isAwaited
    }

    private func fits(_ byteCount: Int) -> Bool {
        pending + buffer.room(forRecord: byteCount) <= gatherBytes || (pending == 0 && !isBlocked)
    }

    /// The wait has ended.
    func stopAwaiting() {
        enter()
        defer { leave() }
        isAwaited = false
        isBlocked = false
        if pending > 0, !isHeld { setTimer() }
    }

    /// Writes what the kernel takes at once, drops the rest, and refuses everything from now on.
    func close() {
        enter()
        isHeld = false
        defer { leave() }
        if failure == nil { try? writePending() }
        fail(StreamFailure.closed("send", name))
        stopFlusher()
    }

    // MARK: Gathering

    /// Whether a small record is kept for later. Reads the clock at most once.
    @inline(__always)
    private func gathersNow() -> Bool {
        if isHeld { return true }
        guard gathers else { return false }
        if pending > 0 { return true }
        gatherBegin = MonotonicClock.nanoseconds()
        // Relaxed, as a wrong guess costs one system call, or one flush before the next wait.
        let hasSpoken = peerSpoke.load(ordering: .relaxed)
        if hasSpoken { peerSpoke.store(false, ordering: .relaxed) }
        return !hasSpoken && gatherBegin &- lastCallEnd < callCost
    }

    // MARK: Writing

    /// Writes what is pending and a record behind it with one call.
    private func writeThrough(
        _ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan, always: Bool
    ) throws(NaruError) -> Bool {
        if lentBytes > 0 {
            try writeLent()
            if lentBytes > 0 {
                // The kernel takes nothing, and what it was given comes first.
                guard always || buffer.count + buffer.room(forRecord: prefix.byteCount + bytes.byteCount) <= gatherBytes
                else { return false }
                buffer.append(header, prefix, bytes.byteCount)
                buffer.append(bytes)
                buffer.endRecord()
                if !isHeld { setTimer() }
                return true
            }
        }
        let before = pending
        let mark = buffer.mark
        buffer.append(header, prefix, bytes.byteCount)
        // A small payload costs less to copy than a second piece of memory costs the kernel.
        let isJoined = bytes.byteCount <= Self.joinedBytes || joinsAll
        if isJoined {
            buffer.append(bytes)
            buffer.endRecord()
        }
        let rest = isJoined ? RawSpan() : bytes
        let lead = pending

        let count = try write(rest)
        if count >= lead {
            buffer.append(rest.extracting(droppingFirst: count - lead))
        } else if always || count > before || pending + rest.byteCount <= gatherBytes {
            buffer.append(rest)
        } else {
            // Nothing of the record went out and it is too large to keep: take back what was appended of it.
            buffer.takeBack(lead - before, to: mark)
            return false
        }
        if gathers, !isHeld {
            learn(isLone: before == 0 && bytes.byteCount <= gatherRecordBytes)
            if pending > 0 { setTimer() }
        }
        return true
    }

    /// Notes the end of a system call, and its cost where it carried one small record.
    private func learn(isLone: Bool) {
        lastCallEnd = MonotonicClock.nanoseconds()
        guard isLone else { return }
        // Falls fast and rises slowly, so that a call during which the thread was not running counts little.
        let sample = lastCallEnd &- gatherBegin
        if sample < callCost {
            callCost -= (callCost - sample) / 4
        } else {
            callCost += min(sample - callCost, callCost) / 32
        }
        callCost = min(max(callCost, Self.callCosts.lowerBound), Self.callCosts.upperBound)
    }

    /// Writes what is pending, as far as the kernel takes it.
    func writePending() throws(NaruError) {
        if lentBytes > 0 {
            try writeLent()
            if lentBytes > 0 { return }
        }
        if pending > 0 { _ = try write(RawSpan()) }
    }

    /// Writes what is pending and then `more`, with one call; returns how many bytes of both went out.
    private func write(_ more: RawSpan) throws(NaruError) -> Int {
        let count: Int
        do throws(SystemError) {
            // Nobody moves the buffer while we are in the gate.
            let result = unsafe try more.withUnsafeBytes { (second) throws(SystemError) in
                unsafe try end.write(buffer.bytes, second)
            }
            count = if case .bytes(let count) = result { count } else { 0 }
        } catch {
            fail(StreamFailure.sending(error, name))
            throw StreamFailure.sending(error, name)
        }
        written += UInt64(count)
        isBlocked = count < pending + more.byteCount
        buffer.drop(min(count, pending))
        return count
    }

    /// Nothing can be sent any more: what is pending is lost.
    private func fail(_ error: NaruError) {
        failure = error
        unsafe lent = nil
        lentBytes = 0
        buffer.clear()
    }

    private static let joinedBytes = 512

    private static func nanoseconds(_ duration: Duration) -> UInt64 {
        // Bounded, so that neither conversion nor the sum with a clock reading can overflow.
        let bounded = min(max(duration, .zero), .seconds(1)).components
        return UInt64(bounded.seconds) * 1_000_000_000 + UInt64(bounded.attoseconds / 1_000_000_000)
    }
}
