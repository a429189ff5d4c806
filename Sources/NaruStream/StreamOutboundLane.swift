// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
public import NaruSystem

// Safe: the only memory that leaves is the loan, whose contract is the protocol's.
/// The sending half of a byte stream: records framed by their headers, small ones gathered into few system calls.
///
/// One thread or task uses it at a time. No operation blocks. A lone record goes out at once; what follows it at once
/// is gathered and goes out within `StreamConfiguration.gatherDeadline`, or earlier: when the buffer is full, when the
/// batch ends, or when this process flushes or waits. Large records are written from the caller's memory. Loans are
/// private memory, copied by the kernel at the commit.
///
/// When the peer is gone, every operation but ``close()`` throws ``NaruCore/NaruError/Code/peerVanished``.
@safe
public final class StreamOutboundLane: OutboundLane {
    /// The most bytes of one record.
    public let maximumRecordBytes: Int

    let outbox: StreamOutbox
    private let framing: StreamFraming
    private var loan: UnsafeMutableRawBufferPointer?
    private var loanBytes: Int?
    /// Pages for the pipe, once a loan was large enough; the loan that is out lies in them where `isPaged` says so.
    private var pool: PagePool?
    private var isPaged = false
    private let lendsPagesFrom: Int
    /// The largest record so far that the pipe was to hold. Smaller ones than this at first fit any.
    private var largestRecord = 65536
    private var paged: UnsafeMutableRawBufferPointer?
    private var isClosed = false
    /// What a sender polls where an inbound lane's reader may poll the stream itself.
    private var pollable: Descriptor?

    /// Makes a lane over one end of a stream.
    /// - Parameters:
    ///   - end: The stream; closed with its last lane.
    ///   - configuration: How records are gathered.
    ///   - reactor: Writes what was gathered when nobody else does. `nil`: every record outside a batch is written at
    ///     once, and what the kernel did not take waits for the next operation.
    ///   - maximumRecordBytes: The most bytes of one record, as agreed with the receiver.
    ///   - framing: What is written around messages. On a raw stream, records other than messages are dropped, and in
    ///     lines a message with a newline throws ``NaruCore/NaruError/Code/invalidArgument``.
    ///   - name: How errors name the lane.
    public init(
        _ end: StreamEnd, configuration: StreamConfiguration = .init(), reactor: Reactor? = nil,
        maximumRecordBytes: Int = StreamFormat.maximumRecordBytes, framing: StreamFraming = .records,
        name: String = "stream"
    ) {
        self.maximumRecordBytes = maximumRecordBytes
        self.framing = framing
        lendsPagesFrom = end.kind == .pipe && !framing.isRaw ? configuration.lendsPagesFrom ?? .max : .max
        outbox = StreamOutbox(end, configuration: configuration, framing: framing, reactor: reactor, name: name)
    }

    deinit {
        close()
    }

    /// Lends private memory. `nil` while the kernel takes nothing and the buffer is full.
    public func reserve(_ byteCount: Int) throws(NaruError) -> UnsafeMutableRawBufferPointer? {
        guard loanBytes == nil else { throw misuse("lend", .reentrant, "a loan is out already") }
        try check(byteCount)
        guard try outbox.hasRoom(byteCount) else { return nil }
        loanBytes = byteCount
        if byteCount >= lendsPagesFrom, let pages = unsafe pages(byteCount) {
            isPaged = true
            unsafe paged = pages
            return unsafe pages
        }
        // The memory is the lane's until close() or deinit; one loan is out at a time.
        return unsafe UnsafeMutableRawBufferPointer(rebasing: loanMemory(byteCount)[..<byteCount])
    }

    public func commit(_ header: RecordHeader, byteCount: Int) throws(NaruError) {
        if isClosed { throw StreamFailure.closed("commit", outbox.name) }
        guard let lent = loanBytes, let memory = unsafe isPaged ? paged : loan else {
            throw misuse("commit", .invalidArgument, "no loan is out")
        }
        guard byteCount >= 0, byteCount <= lent else {
            throw misuse("commit", .invalidArgument, "\(byteCount) B committed of a loan of \(lent) B")
        }
        loanBytes = nil
        if isPaged {
            isPaged = false
            // Few bytes cost less to copy than a page to give.
            if byteCount >= lendsPagesFrom, let pool {
                return unsafe try outbox.acceptPages(
                    header, UnsafeRawBufferPointer(rebasing: memory[..<byteCount]), in: pool)
            }
        }
        // In bounds: checked above. The span ends before the memory can be lent again.
        let bytes = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: memory[..<byteCount]))
        if framing.isRaw, try !isRawMessage(header, bytes) { return }
        _ = try outbox.accept(header, RawSpan(), bytes, always: true)
    }

    private func misuse(_ operation: String, _ code: NaruError.Code, _ reason: String) -> NaruError {
        NaruError(code, operation: operation, object: outbox.name, reason: reason)
    }

    public func abort() {
        loanBytes = nil
        isPaged = false
    }

    public func trySend(_ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan) throws(NaruError) -> Bool {
        if framing.isRaw, try !isRawMessage(header, bytes) { return true }
        try check(prefix.byteCount + bytes.byteCount)
        if bytes.byteCount > largestRecord, outbox.end.kind == .pipe { _ = raiseCapacity(for: bytes.byteCount) }
        return try outbox.accept(header, prefix, bytes, always: false)
    }

    public func hold() {
        outbox.hold()
    }

    public func publish() throws(NaruError) {
        try outbox.publish()
    }

    public func flush() throws(NaruError) -> Bool {
        try outbox.flush()
    }

    public func arm(_ style: WaitStyle, byteCount: Int) throws(NaruError) -> WaitTarget {
        try outbox.beginAwaiting(byteCount) ? .ready : .descriptor(descriptorToPoll(), .writable)
    }

    public func disarm() {
        outbox.stopAwaiting()
    }

    /// Writes what the kernel takes at once, then closes the stream, or its sending side while an inbound lane uses it.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        outbox.close()
        outbox.end.release(sending: true)
        // Nobody borrows it any more: a loan ends with the lane.
        unsafe loan?.deallocate()
        unsafe loan = nil
        unsafe paged = nil
        // The pipe keeps the pages that it was given; nothing more of them is given.
        pool = nil
        loanBytes = nil
        pollable = nil
    }

    /// Whether a record goes on a raw stream: only messages do.
    @inline(never)
    private func isRawMessage(_ header: RecordHeader, _ bytes: RawSpan) throws(NaruError) -> Bool {
        guard header.kind == .data else { return false }
        guard framing == .raw(.lines) else { return true }
        // Only read, and during the call.
        let hasNewline = unsafe bytes.withUnsafeBytes { unsafe $0.contains(UInt8(ascii: "\n")) }
        if hasNewline { throw misuse("send", .invalidArgument, "a message is a line, and this one holds a newline") }
        return true
    }

    @inline(__always)
    private func check(_ byteCount: Int) throws(NaruError) {
        if byteCount > maximumRecordBytes { throw tooLarge(byteCount) }
    }

    @inline(never)
    private func tooLarge(_ byteCount: Int) -> NaruError {
        NaruError(
            .messageTooLarge, operation: "send", object: outbox.name,
            reason: "a record of \(byteCount) B is larger than the lane's \(maximumRecordBytes) B")
    }

    /// A descriptor that nobody else polls: a reactor takes each only once.
    private func descriptorToPoll() -> Descriptor {
        if let pollable { return pollable }
        let stream = outbox.end.descriptor
        // Where no descriptor is left, sharing it still serves one who blocks in a poll.
        let own = outbox.end.isShared ? (try? stream.duplicate()) ?? stream : stream
        pollable = own
        return own
    }

    /// Memory whose pages can be given to the pipe; `nil` where there is none free: then a loan is copied.
    private func pages(_ byteCount: Int) -> UnsafeMutableRawBufferPointer? {
        if pool?.canHold(byteCount) != true {
            // The pipe may wait for the rest of a record in the old one; what it has of others it keeps by itself.
            guard !outbox.isLending else { return nil }
            pool = makePool(byteCount)
        }
        guard let pool else { return nil }
        if let memory = unsafe pool.reserve(byteCount) { return unsafe memory }
        pool.release(readBytes: outbox.readBytes())
        return unsafe pool.reserve(byteCount)
    }

    /// A pipe that holds a whole record, where the host permits it, and pages for what it holds, the record that is
    /// being written, and what is passed over at the end. `nil` where there is no memory for it.
    private func makePool(_ byteCount: Int) -> PagePool? {
        let capacity = raiseCapacity(for: byteCount)
        return try? PagePool(byteCount: capacity + 2 * (byteCount + 2 * PagePool.leadBytes))
    }

    /// Makes the pipe hold a record of so many bytes, where the host permits it; what it holds then. What it cannot
    /// hold of a record that is copied would be copied twice.
    private func raiseCapacity(for byteCount: Int) -> Int {
        let pipe = outbox.end.descriptor
        let capacity = (try? SystemPipe.capacity(of: pipe)) ?? 65536
        // A page more than the record has: it begins anywhere in the first. Not more than the host's own limit for
        // ordinary users is by default: beyond it the kernel would refuse instead of giving less.
        let wanted = min(byteCount + 2 * HostInformation.pageBytes, 1 << 20)
        largestRecord = max(largestRecord, byteCount)
        return capacity < wanted ? (try? SystemPipe.setCapacity(of: pipe, byteCount: wanted)) ?? capacity : capacity
    }

    /// The lane's memory for loans, grown to hold `byteCount` bytes.
    private func loanMemory(_ byteCount: Int) -> UnsafeMutableRawBufferPointer {
        if let loan = unsafe loan, loan.count >= byteCount { return unsafe loan }
        unsafe loan?.deallocate()
        // A page at least, doubled from there, so that growing loans are not allocated one by one.
        var capacity = 4096
        while capacity < byteCount { capacity *= 2 }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
        unsafe loan = unsafe memory
        return unsafe memory
    }
}
