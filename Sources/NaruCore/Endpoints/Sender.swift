// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// The end of a link that sends.
///
/// A sender has one user at a time: it is not `Sendable`, its `async` methods run where they are called, and no other
/// thread may be inside one of them. What other threads may do stands under ``control``. The blocking forms, for
/// threads of your own, stand under ``blocking``.
///
/// `send` returns when the lane has accepted the message: it will arrive in order, once, for as long as the link lives.
/// ``flush(deadline:)`` returns when everything accepted is handed over, ``finish(deadline:)`` when the receiver has
/// taken all.
public final class Sender {
    let link: Link
    let lane: any OutboundLane
    private let counters: CounterWords
    private let compressor: Compressor?
    /// Keeps the thread that watches for as long as an endpoint is in use.
    private let runtime: Runtime
    /// The lane's limit when it was last asked; it may have grown since.
    private var maximumRecordBytes: Int
    private let maximumMessageBytes: Int
    /// The largest message that goes straight to the lane, bytes: -1 while anything is unusual, so that one comparison
    /// finds the plain case. See ``settle()``.
    private var plainLimit = -1
    private var fragmented: UInt64 = 0
    private var owesAbort = false { didSet { settle() } }
    private var isLent = false { didSet { settle() } }
    private var closesAfterLoan = false
    private var laneEnded = false
    private(set) var phase = Phase.open { didSet { settle() } }
    private var patience: Patience
    /// The label of messages that have none of their own.
    var standingLabel = MessageLabel()

    enum Phase {
        case open, finishing, finished, closed
    }

    init(
        link: Link, lane: any OutboundLane, codec: (any Codec)?, terms: LaneTerms?, runtime: Runtime
    ) throws(NaruError) {
        self.runtime = runtime
        self.link = link
        self.lane = lane
        counters = link.counters
        maximumRecordBytes = lane.maximumRecordBytes
        maximumMessageBytes = link.agreement.requirements.maximumMessageBytes
        patience = Patience(link.agreement.requirements.wait)
        compressor =
            if let codec, let terms {
                try Compressor(
                    codec, level: terms.level, history: terms.history, maximumMessageBytes: maximumMessageBytes)
            } else {
                nil
            }
        link.attach()
        settle()
    }

    deinit {
        close()
    }

    /// What other threads may do with the endpoint: close it, read its decision, peer and counters.
    public var control: EndpointControl { EndpointControl(link) }
    /// Why this transport carries the link, and why the others do not.
    public var decision: Decision { link.decision }
    /// The same operations for a thread that may block.
    public var blocking: BlockingSender { BlockingSender(self) }

    // MARK: Copy

    /// Sends a copy of `bytes`; waits for room where there is none.
    ///
    /// Cancelled or past the deadline before the message was accepted, it was not sent.
    /// - Parameters:
    ///   - bytes: the message, 0 bytes to the link's maximum; the caller's again on return.
    ///   - deadline: when to give up waiting for room.
    /// - Throws: ``NaruError/Code/messageTooLarge``, ``NaruError/Code/deadlineExceeded``,
    ///   ``NaruError/Code/cancelled``, or why the link closed.
    /// - Complexity: O(bytes); one copy.
    // Inlinable, so that a message for which there is room costs no call of an asynchronous function, with its frame.
    @inlinable
    @inline(__always)
    public func send(_ bytes: RawSpan, deadline: Deadline = .never) async throws(NaruError) {
        if try sendNow(bytes) { return }
        try await sendLater(bytes, deadline: deadline)
    }

    /// Sends a copy of an array's bytes. See ``send(_:deadline:)-(RawSpan,_)``.
    public func send(_ bytes: [UInt8], deadline: Deadline = .never) async throws(NaruError) {
        unsafe try await send(bytes.span.bytes, deadline: deadline)
    }

    /// Sends a copy of `bytes` when there is room for it now; `false` when there is none.
    public func trySend(_ bytes: RawSpan) throws(NaruError) -> Bool {
        if try sendNow(bytes) { return true }
        return try trySendOddly(bytes)
    }

    /// As ``trySend(_:)``, where there is no room or something is unusual.
    @inline(never)
    private func trySendOddly(_ bytes: RawSpan) throws(NaruError) -> Bool {
        try begin(bytes.byteCount)
        guard try payAbort() else { return try noRoom() }
        // A message of several records, or a compressed one, is taken whole or not at all.
        var transmission = prepare(bytes)
        guard try advance(&transmission, bytes) else {
            interrupt(transmission)
            return try noRoom()
        }
        account(bytes.byteCount, transmission)
        return true
    }

    private func noRoom() throws(NaruError) -> Bool {
        guard laneEnded else { return false }
        // The reader is gone and the link is about to know why. A call that does not wait says what is known now.
        throw link.isClosed ? closedError("send") : CloseReason.peerVanished.error("send", link.name)
    }

    // MARK: Adopt

    /// Sends a message that owns its bytes. A lane inside one process moves it; every other copies.
    /// - Throws: as ``send(_:deadline:)-(RawSpan,_)``.
    public func send(consuming message: OwnedMessage, deadline: Deadline = .never) async throws(NaruError) {
        guard canAdopt(message) else { return try await send(message.bytes, deadline: deadline) }
        var spell = beginWait(WaitingExecutor.style, deadline)
        while try !adoptNow(message) {
            if spins(&spell, message.byteCount) { continue }
            try await sleep(byteCount: message.byteCount, deadline: deadline)
        }
        endWait(spell)
    }

    /// Whether a message travels as it is, in one record.
    func canAdopt(_ message: OwnedMessage) -> Bool {
        compressor == nil && fitsRecord(message.byteCount)
    }

    func adoptNow(_ message: OwnedMessage) throws(NaruError) -> Bool {
        try begin(message.byteCount)
        guard try payAbort(),
            try attempt({ () throws(NaruError) in try lane.trySend(RecordHeader(), adopting: message) })
        else { return false }
        count(message.byteCount, wire: message.byteCount)
        return true
    }

    // MARK: The path of one message

    /// Messages accepted so far.
    var accepted: UInt64 { link.counters.value(.messagesSent) }

    /// Finds out which messages are plain now.
    private func settle() {
        let isPlain = compressor == nil && !owesAbort && !isLent && phase == .open
        plainLimit = isPlain ? min(maximumRecordBytes, maximumMessageBytes) : -1
    }

    /// The fast path: one record, no compression, no waiting. `false`: something is unusual, or there is no room.
    @usableFromInline
    @inline(__always)
    func sendNow(_ bytes: RawSpan) throws(NaruError) -> Bool {
        guard bytes.byteCount <= plainLimit, !link.isClosed,
            try attempt({ () throws(NaruError) in try lane.trySend(RecordHeader(), RawSpan(), bytes) })
        else { return false }
        count(bytes.byteCount, wire: bytes.byteCount)
        return true
    }

    @usableFromInline
    func sendLater(_ bytes: RawSpan, deadline: Deadline) async throws(NaruError) {
        try begin(bytes.byteCount)
        var transmission = prepare(bytes)
        var spell = beginWait(WaitingExecutor.style, deadline)
        do {
            while try !advance(&transmission, bytes) {
                if spins(&spell, transmission.nextRecordBytes) { continue }
                try await sleep(byteCount: transmission.nextRecordBytes, deadline: deadline)
            }
        } catch {
            interrupt(transmission)
            throw error
        }
        endWait(spell)
        account(bytes.byteCount, transmission)
    }

    func sendBlocking(_ bytes: RawSpan, deadline: Deadline) throws(NaruError) {
        if try sendNow(bytes) { return }
        try waitAndSend(bytes, deadline)
    }

    @inline(never)
    private func waitAndSend(_ bytes: RawSpan, _ deadline: Deadline) throws(NaruError) {
        try begin(bytes.byteCount)
        var transmission = prepare(bytes)
        var spell = beginWait(.thread, deadline)
        do {
            while try !advance(&transmission, bytes) {
                if spins(&spell, transmission.nextRecordBytes) { continue }
                try block(byteCount: transmission.nextRecordBytes, deadline: deadline)
            }
        } catch {
            interrupt(transmission)
            throw error
        }
        endWait(spell)
        account(bytes.byteCount, transmission)
    }

    // Copied out and back: a change in place would be checked for exclusive access at run time.
    func beginWait(_ style: WaitStyle, _ deadline: Deadline) -> WaitSpell {
        var patience = patience
        defer { self.patience = patience }
        return patience.begin(style, deadline: deadline)
    }

    func endWait(_ spell: WaitSpell) {
        var patience = patience
        patience.end(spell)
        self.patience = patience
    }

    /// Whether to look for room once more without sleeping; spins meanwhile.
    func spins(_ spell: inout WaitSpell, _ byteCount: Int) -> Bool {
        if link.isClosed { return true }
        if spell.limit == .max, WaitingExecutor.shouldStopSpinning { spell.stop() }
        return !spell.isOver && spell.goesOn(after: lane.spin(WaitSpell.rounds, byteCount: byteCount))
    }

    /// Checks that a message may be sent now.
    @inline(__always)
    func begin(_ byteCount: Int) throws(NaruError) {
        if link.isClosed || phase != .open { throw closedError("send") }
        guard byteCount <= maximumMessageBytes else { throw tooLarge(byteCount) }
        guard !isLent else {
            throw NaruError(.reentrant, operation: "send", object: link.name, reason: "a loan or a batch is under way")
        }
    }

    /// Decides whether the codec is to see the message; where it is not, cuts into records.
    private func prepare(_ bytes: RawSpan) -> Transmission {
        var transmission = Transmission(byteCount: bytes.byteCount, maximumRecordBytes: maximumRecordBytes)
        switch compressor?.judge(bytes) {
        case .compress(let mostBytes):
            transmission.awaitCodec(mostBytes: mostBytes)
            return transmission
        case .incompressible: transmission.encoded(nil, rawByteCount: bytes.byteCount)
        case nil, .tooSmall: break
        }
        cut(&transmission)
        return transmission
    }

    /// Compresses a message, once the lane has room for what it may become: with history, what was compressed has to be
    /// sent. `false` when there is no room yet.
    private func encode(
        _ transmission: inout Transmission, _ bytes: RawSpan, _ compressor: Compressor
    ) throws(NaruError) -> Bool {
        // A lane may lend memory that it allocates: no more of it than tells that there is room.
        let room = min(transmission.nextRecordBytes, Self.largestProbe)
        let hasRoom = try attempt { () throws(NaruError) in
            guard unsafe try lane.reserve(room) != nil else { return false }
            lane.abort()
            return true
        }
        guard hasRoom else { return false }
        let start = MonotonicClock.nanoseconds()
        let compressed = try compressor.compress(bytes)
        link.counters.add(.compressionNanoseconds, Int(truncatingIfNeeded: MonotonicClock.nanoseconds() &- start))
        transmission.encoded(compressed, rawByteCount: bytes.byteCount)
        cut(&transmission)
        return true
    }

    private static let largestProbe = 1 << 20

    /// Cuts a message into fragments where it does not fit one record.
    private func cut(_ transmission: inout Transmission) {
        if !fitsRecord(transmission.byteCount) { fragmented += 1 }
        transmission.cut(
            maximumRecordBytes: maximumRecordBytes, fragmentBytes: lane.fragmentRecordBytes, message: fragmented)
    }

    /// Whether a message fits one record by now; where it does not, the lane hears of its size.
    func fitsRecord(_ byteCount: Int) -> Bool {
        if byteCount <= maximumRecordBytes { return true }
        maximumRecordBytes = lane.maximumRecordBytes
        settle()
        if byteCount <= maximumRecordBytes { return true }
        lane.expect(byteCount)
        return false
    }

    /// Lends what travels: the message itself, or its compressed form.
    private func withPayload<R>(
        of transmission: Transmission, _ bytes: RawSpan, _ body: (RawSpan) throws(NaruError) -> R
    ) throws(NaruError) -> R {
        guard transmission.flags.contains(.compressed), let compressor else { return try body(bytes) }
        return try compressor.withCompressed(transmission.byteCount, body)
    }

    /// Sends as many records of a message as there is room for; `true` when all are sent.
    private func advance(_ transmission: inout Transmission, _ bytes: RawSpan) throws(NaruError) -> Bool {
        if link.isClosed { throw closedError("send") }
        guard try payAbort() else { return false }
        if transmission.awaitsCodec, let compressor {
            guard try encode(&transmission, bytes, compressor) else { return false }
        }
        return try withPayload(of: transmission, bytes) { payload throws(NaruError) in
            try attempt { () throws(NaruError) in try transmission.advance(payload, lane) }
        }
    }

    /// Tells the receiver that the rest of an interrupted message will not come; `false` when there is no room to.
    func payAbort() throws(NaruError) -> Bool {
        guard owesAbort else { return true }
        owesAbort = try attempt { () throws(NaruError) in
            try !lane.trySend(RecordHeader(kind: .abort), RawSpan(), RawSpan())
        }
        return !owesAbort
    }

    /// A message was given up: the receiver must not wait for its rest.
    private func interrupt(_ transmission: Transmission) {
        if transmission.isUnderWay, !link.isClosed { owesAbort = true }
    }

    private func account(_ byteCount: Int, _ transmission: Transmission) {
        if transmission.flags.contains(.history) { compressor?.accepted() }
        if transmission.isIncompressible { link.counters.add(.messagesIncompressible, 1) }
        count(byteCount, wire: transmission.byteCount)
    }

    @inline(__always)
    func count(_ byteCount: Int, wire: Int) {
        counters.addMessages(.messagesSent, 1, byteCount, wire)
    }

    /// Counts plain messages.
    func count(_ messages: Int, _ byteCount: Int) {
        counters.addMessages(.messagesSent, messages, byteCount, byteCount)
    }

    /// Memory of the lane for the messages that follow in a batch. While it is lent, the sender must not be used.
    func borrowRoom() -> RecordRoom {
        let limit = plainLimit
        guard limit >= 0 else { return RecordRoom() }
        var room = lane.borrowRoom()
        room.limit = limit
        if room.byteCount > 0 { lend() }
        return room
    }

    /// Runs a lane operation and replaces a broken lane's error by why the peer is gone.
    @inline(__always)
    func attempt(_ operation: () throws(NaruError) -> Bool) throws(NaruError) -> Bool {
        do {
            return try operation()
        } catch {
            return try attemptFailed(error)
        }
    }

    @inline(never)
    private func attemptFailed(_ error: NaruError) throws(NaruError) -> Bool {
        if awaitsReason(of: error) { return false }
        throw laneFailed(error)
    }

    /// Whether the other end's lane is gone, and why is about to be known: then the next wait for room waits for that.
    func awaitsReason(of error: NaruError) -> Bool {
        laneEnded = error.code == .peerVanished
        return laneEnded && !link.isClosed
    }

    // MARK: Waiting

    func sleep(byteCount: Int, deadline: Deadline) async throws(NaruError) {
        let style = WaitingExecutor.style
        let target = try arm(style, byteCount)
        defer { lane.disarm() }
        if link.isClosed { throw closedError("send") }
        try await link.sleep(link.outbound, target, style: style, deadline: deadline, "send")
    }

    func block(byteCount: Int, deadline: Deadline) throws(NaruError) {
        let target = try arm(.thread, byteCount)
        defer { lane.disarm() }
        if link.isClosed { throw closedError("send") }
        try link.block(link.outbound, target, deadline: deadline, "send")
    }

    private func arm(_ style: WaitStyle, _ byteCount: Int) throws(NaruError) -> WaitTarget {
        link.counters.add(.sendWaits, 1)
        link.outbound.prepare()
        if laneEnded { return .ended }
        do {
            return try lane.arm(style, byteCount: byteCount)
        } catch {
            if error.code == .peerVanished, !link.isClosed { return .ended }
            throw laneFailed(error)
        }
    }

    // MARK: Ends

    func lend() { isLent = true }

    /// The loan is over; a close from inside its closure takes effect now.
    func unlend() {
        takeBack()
        closeIfAsked()
    }

    func takeBack() { isLent = false }

    func closeIfAsked() {
        if closesAfterLoan { close() }
    }

    func enter(_ phase: Phase) { self.phase = phase }
    var compresses: Bool { compressor != nil }

    /// Ends sending without finishing: the receiver is told that the link closed. Idempotent. Inside the closure of a
    /// loan it takes effect when the loan ends.
    public func close() {
        guard phase != .closed else { return }
        guard !isLent else {
            closesAfterLoan = true
            return
        }
        let finished = phase == .finished
        phase = .closed
        if link.isForked { return Link.abandon(lane) }
        lane.close()
        link.detach(finished: finished)
    }

    func laneFailed(_ error: NaruError) -> NaruError {
        if error.code == .protocolViolation {
            link.counters.add(.violations, 1)
            link.close(.protocolViolation(error.reason))
        }
        return link.isClosed ? closedError("send") : error
    }

    func closedError(_ operation: String) -> NaruError {
        if link.isForked { return link.forked(operation) }
        if let reason = link.closeReason { return reason.error(operation, link.name) }
        return NaruError(
            phase == .finished ? .finished : .closed, operation: operation, object: link.name,
            reason: phase == .finished || phase == .finishing ? "this end has finished" : "this end closed the link")
    }

    private func tooLarge(_ byteCount: Int) -> NaruError {
        NaruError(
            .messageTooLarge, operation: "send", object: link.name,
            reason: "a message of \(byteCount) bytes, above the link's maximum of \(maximumMessageBytes)",
            remedy: "raise maximumMessageBytes at both ends")
    }
}
