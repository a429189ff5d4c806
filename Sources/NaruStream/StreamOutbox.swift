// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

// `@unchecked Sendable`: each mutable property is read and written only inside the gate, the flusher's patience only on
// the reactor's thread.
// Safe: the buffer never leaves, and is read and written in bounds, as shown where that is done.
/// Accepts records for a stream, gathers small ones, and writes.
///
/// Records accepted but not yet taken by the kernel lie in one buffer, in order:
///
///      base        head                     tail              capacity
///        |  written  | pending: gathered records |    free       |
///
/// A record that is not gathered is written together with what is pending, in one call and without a copy of its
/// payload; what the kernel leaves of it is copied behind the pending bytes. So the pending bytes are bounded by
/// `gatherBytes` and the remainder of one record.
///
/// **When a record is gathered.** In a batch, always. Outside a batch, when something is pending already, or when the
/// last system call ended less than one call's cost ago: within that time no answer of a peer can have come, so this is
/// a burst and not a conversation. The cost is learned. Large records are never gathered: the copy would cost more than
/// the call. What is pending is written when the buffer is full, when this process waits on the link, when the kernel
/// becomes writable again, or by the reactor's thread after the deadline.
///
/// **Threads.** The sender and the flushers exclude one another with a ``LaneGate``; in a batch the sender stays in.
@safe
final class StreamOutbox: @unchecked Sendable {
    let end: StreamEnd
    let name: String
    let reactor: Reactor?
    let gate = LaneGate()
    private let gatherBytes: Int
    /// Records of more bytes are written without a copy.
    private let gatherRecordBytes: Int
    let deadlineNanoseconds: UInt64
    private let gathers: Bool

    // The pending bytes.
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private var head = 0
    private var tail = 0
    /// Padding due before the next header.
    private var padding = 0

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

    private static let firstCallCost: UInt64 = 1_000
    private static let callCosts: ClosedRange<UInt64> = 300...50_000

    init(_ end: StreamEnd, configuration: StreamConfiguration, reactor: Reactor?, name: String) {
        self.end = end
        self.name = name
        self.reactor = reactor
        gatherBytes = max(configuration.gatherBytes, 256)
        gatherRecordBytes = gatherBytes / 8
        deadlineNanoseconds = Self.nanoseconds(configuration.gatherDeadline)
        gathers = configuration.gathers && reactor != nil
        capacity = gatherBytes + 128
        // Freed in close() or deinit.
        unsafe base = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        unsafe base.deallocate()
    }

    var pending: Int { tail - head }

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

    /// Accepts a record; `false`: no room and no effect. `always` takes it whatever the room, and always answers `true`.
    func accept(
        _ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan, always: Bool
    ) throws(NaruError) -> Bool {
        enter()
        defer { leave() }
        if let failure { throw failure }
        let lead = padding + RecordHeader.byteCount + prefix.byteCount
        let small = bytes.byteCount <= gatherRecordBytes
        if small, pending + lead + bytes.byteCount <= gatherBytes, gathersNow() {
            append(header, prefix, recordBytes: prefix.byteCount + bytes.byteCount)
            append(bytes)
            if !isHeld { setTimer() }
            return true
        }
        return try writeThrough(header, prefix, bytes, always: always)
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

    /// Whether a record of `byteCount` bytes would be accepted now or is worth trying, after writing what is pending.
    /// Otherwise, with `await`, the sender is noted as one who waits.
    func hasRoom(_ byteCount: Int, await: Bool) throws(NaruError) -> Bool {
        enter()
        defer { leave() }
        if let failure { throw failure }
        try writePending()
        let size = padding + RecordHeader.byteCount + byteCount
        if pending + size <= gatherBytes || (pending == 0 && !isBlocked) { return true }
        isAwaited = `await`
        return false
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
        return gatherBegin &- lastCallEnd < callCost
    }

    /// Appends padding, header and prefix of a record.
    @inline(__always)
    private func append(_ header: RecordHeader, _ prefix: RawSpan, recordBytes: Int) {
        makeRoom(padding + RecordHeader.byteCount + prefix.byteCount)
        // In bounds: makeRoom has just made sure. Padding is zeroed so that no memory leaks to the peer.
        unsafe (base + tail).storeBytes(of: 0, as: UInt64.self)
        tail += padding
        unsafe (base + tail).storeBytes(of: header.word(byteCount: recordBytes).littleEndian, as: UInt64.self)
        tail += RecordHeader.byteCount
        padding = StreamFormat.padding(after: recordBytes)
        if prefix.byteCount > 0 { append(prefix) }
    }

    /// Appends bytes.
    @inline(__always)
    private func append(_ bytes: RawSpan) {
        makeRoom(bytes.byteCount)
        // In bounds: makeRoom has just made sure.
        unsafe bytes.withUnsafeBytes { source in
            if let start = source.baseAddress {
                unsafe (base + tail).copyMemory(from: start, byteCount: source.count)
            }
        }
        tail += bytes.byteCount
    }

    /// Makes `byteCount` bytes, and a word more, free behind the tail.
    @inline(__always)
    private func makeRoom(_ byteCount: Int) {
        if tail + byteCount + 8 > capacity { moveOrGrow(byteCount + 8) }
    }

    @inline(never)
    private func moveOrGrow(_ byteCount: Int) {
        let kept = pending
        if kept + byteCount <= capacity {
            unsafe base.copyMemory(from: base + head, byteCount: kept)
        } else {
            capacity = (kept + byteCount + 4095) & ~4095
            let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
            unsafe larger.copyMemory(from: base + head, byteCount: kept)
            unsafe base.deallocate()
            unsafe base = larger
        }
        head = 0
        tail = kept
    }

    // MARK: Writing

    /// Writes what is pending and a record behind it with one call.
    private func writeThrough(
        _ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan, always: Bool
    ) throws(NaruError) -> Bool {
        let before = pending
        let padded = padding
        append(header, prefix, recordBytes: prefix.byteCount + bytes.byteCount)
        // A small payload costs less to copy than a second piece of memory costs the kernel.
        let isJoined = bytes.byteCount <= Self.joinedBytes
        if isJoined { append(bytes) }
        let rest = isJoined ? RawSpan() : bytes
        let lead = pending

        let count = try write(rest)
        if count >= lead {
            append(rest.extracting(droppingFirst: count - lead))
        } else if always || count > before || pending + rest.byteCount <= gatherBytes {
            append(rest)
        } else {
            // Nothing of the record went out and it is too large to keep: take back what was appended of it.
            tail -= lead - before
            padding = padded
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
        if pending > 0 { _ = try write(RawSpan()) }
    }

    /// Writes what is pending and then `more`, with one call; returns how many bytes of both went out.
    private func write(_ more: RawSpan) throws(NaruError) -> Int {
        let count: Int
        do throws(SystemError) {
            // The pending bytes lie in the buffer, which nobody moves while we are in the gate.
            let first = unsafe UnsafeRawBufferPointer(start: base + head, count: pending)
            let result = unsafe try more.withUnsafeBytes { (second) throws(SystemError) in
                unsafe try end.write(first, second)
            }
            count = if case .bytes(let count) = result { count } else { 0 }
        } catch {
            fail(StreamFailure.sending(error, name))
            throw StreamFailure.sending(error, name)
        }
        isBlocked = count < pending + more.byteCount
        head += min(count, pending)
        if head == tail {
            head = 0
            tail = 0
        }
        return count
    }

    /// Nothing can be sent any more: what is pending is lost.
    private func fail(_ error: NaruError) {
        failure = error
        head = 0
        tail = 0
        // Frees the buffer but for the word that an address needs.
        capacity = 16
        unsafe base.deallocate()
        unsafe base = .allocate(byteCount: capacity, alignment: 16)
    }

    private static let joinedBytes = 512

    private static func nanoseconds(_ duration: Duration) -> UInt64 {
        // Bounded, so that neither conversion nor the sum with a clock reading can overflow.
        let bounded = min(max(duration, .zero), .seconds(1)).components
        return UInt64(bounded.seconds) * 1_000_000_000 + UInt64(bounded.attoseconds / 1_000_000_000)
    }
}
