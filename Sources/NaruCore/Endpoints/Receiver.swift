// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// The end of a link that receives.
///
/// A receiver has one user at a time: it is not `Sendable`, its `async` methods run where they are called, and no other
/// thread may be inside one of them. Messages are borrowed in place, in closures; a message counts as *taken* when the
/// closure returned. Owned messages, for `for try await`, cost a copy and an allocation each.
///
/// A receiver is given everything that was handed over before its peer died, then the reason as an error; after a peer
/// that finished, `nil`.
public final class Receiver {
    let link: Link
    let lane: any InboundLane
    private let counters: CounterWords
    private let decompressor: Decompressor?
    /// Keeps the thread that watches for as long as an endpoint is in use.
    private let runtime: Runtime
    private var assembler: Assembler
    /// Messages taken so far.
    private(set) var taken: UInt64 = 0
    private var finished = false
    private var isReceiving = false
    private var isClosed = false
    /// The peer broke the protocol: nothing more is read of what it wrote.
    private var isPoisoned = false
    /// A message that came in parts or compressed and whose closure threw: given again first.
    private var untaken: OwnedMessage?
    /// Bytes the lane gave for it.
    private var untakenWireBytes = 0
    private var companion: (any AnyObject & Sendable)?
    private var patience: Patience

    /// - Parameter companion: kept alive until the receiver closes; the listener of a single receiver.
    init(
        link: Link, lane: any InboundLane, codec: (any Codec)?, terms: LaneTerms?, runtime: Runtime,
        companion: (any AnyObject & Sendable)? = nil
    ) throws(NaruError) {
        self.runtime = runtime
        let maximum = link.agreement.requirements.maximumMessageBytes
        self.link = link
        self.lane = lane
        counters = link.counters
        self.companion = companion
        decompressor =
            if let codec, let terms {
                try Decompressor(codec, history: terms.history, maximumMessageBytes: maximum)
            } else {
                nil
            }
        assembler = Assembler(maximum: maximum)
        patience = Patience(link.agreement.requirements.wait)
        link.attach()
    }

    deinit {
        close()
    }

    /// What other threads may do with the endpoint: close it, read its decision, peer and counters.
    public var control: EndpointControl { EndpointControl(link) }
    /// Why this transport carries the link, and why the others do not.
    public var decision: Decision { link.decision }
    /// The same operations for a thread that may block.
    public var blocking: BlockingReceiver { BlockingReceiver(self) }

    // MARK: Borrow

    /// Waits for one message and lends it to `body`.
    /// - Returns: what `body` returned, or `nil` when the sender has finished.
    /// - Throws: what `body` throws: the message is then not taken, and given again by the next call;
    ///   ``NaruError/Code/deadlineExceeded``, ``NaruError/Code/cancelled``, or why the link closed.
    // Inlinable, so that nothing is looked up about the result's type at run time.
    @inlinable
    @inline(__always)
    public func receive<R>(
        deadline: Deadline = .never, _ body: (MessageView) throws -> R
    ) async throws -> R? {
        var result: R?
        let count = try await awaitMessages(1, deadline: deadline) { result = try body($0) }
        return count == 0 ? nil : result
    }

    /// Lends every message to `body`, until the sender finishes.
    /// - Throws: as ``receive(deadline:_:)``.
    public func forEach(_ body: (MessageView) throws -> Void) async throws {
        while try await awaitMessages(Self.batch, deadline: .never, body) > 0 {}
    }

    /// Lends the messages that are there now, at most `maximum`, and returns how many were taken. Does not wait.
    /// - Throws: as ``receive(deadline:_:)``, but returns 0 after the sender has finished or the link has closed.
    public func drain(max maximum: Int, _ body: (MessageView) throws -> Void) throws -> Int {
        try take(maximum, body)
    }

    /// Whether the sender has finished and everything was taken.
    public var isFinished: Bool { finished && untaken == nil }

    // MARK: Own

    /// Waits for one message and copies it out; moves it where the lane moved one.
    /// - Returns: the message, or `nil` when the sender has finished.
    public func next(deadline: Deadline = .never) async throws -> OwnedMessage? {
        var message: OwnedMessage?
        _ = try await awaitMessages(1, deadline: deadline) { view in
            message = self.adopted ?? OwnedMessage(copying: view.bytes)
        }
        return message
    }

    // MARK: Waiting

    static let batch = 64

    /// What a look for messages came to.
    private enum Look {
        case done(Int)
        case again
        case sleep(WaitTarget)
    }

    @usableFromInline
    func awaitMessages(
        _ maximum: Int, deadline: Deadline, _ body: (MessageView) throws -> Void
    ) async throws -> Int {
        let now = try take(maximum, body)
        if now > 0 { return now }
        var spell = begin(WaitingExecutor.style, deadline)
        while true {
            let style = WaitingExecutor.style
            switch try look(maximum, style, &spell, body) {
            case .done(let count): return count
            case .again:
                if WaitingExecutor.shouldStopSpinning { spell.stop() }
            case .sleep(let target):
                defer { lane.disarm() }
                try await link.sleep(link.inbound, target, style: style, deadline: deadline, "receive")
            }
        }
    }

    @usableFromInline
    func awaitMessagesBlocking(
        _ maximum: Int, deadline: Deadline, _ body: (MessageView) throws -> Void
    ) throws -> Int {
        let now = try take(maximum, body)
        if now > 0 { return now }
        var spell = begin(.thread, deadline)
        while true {
            switch try look(maximum, .thread, &spell, body) {
            case .done(let count): return count
            case .again: continue
            case .sleep(let target):
                defer { lane.disarm() }
                try link.block(link.inbound, target, deadline: deadline, "receive")
            }
        }
    }

    // Copied out and back: a change in place would be checked for exclusive access at run time.
    private func begin(_ style: WaitStyle, _ deadline: Deadline) -> WaitSpell {
        var patience = patience
        defer { self.patience = patience }
        return patience.begin(style, deadline: deadline)
    }

    private func end(_ spell: WaitSpell) {
        var patience = patience
        patience.end(spell)
        self.patience = patience
    }

    /// Spins for messages and takes what is there; arms the lane when it has spun enough.
    private func look(
        _ maximum: Int, _ style: WaitStyle, _ spell: inout WaitSpell, _ body: (MessageView) throws -> Void
    ) throws -> Look {
        if !spell.isOver, spell.goesOn(after: lane.spin(WaitSpell.rounds)), spell.foundNothing, !link.isClosed {
            return .again
        }
        // Before the look at the lane: what was handed over before the link closed is there by then.
        let isClosed = link.isClosed
        let count = try take(maximum, body)
        if count > 0 || isFinished {
            end(spell)
            return .done(count)
        }
        if isClosed { throw closedError() }
        if !spell.isOver { return .again }
        link.counters.add(.receiveWaits, 1)
        link.inbound.prepare()
        let target = try arm(style)
        guard link.isClosed else { return .sleep(target) }
        lane.disarm()
        return .again
    }

    private func arm(_ style: WaitStyle) throws(NaruError) -> WaitTarget {
        do {
            return try lane.arm(style)
        } catch {
            throw laneFailed(error)
        }
    }

    // MARK: The path of one message

    /// The message being lent, where the lane moved one.
    private(set) var adopted: OwnedMessage?

    /// Reads the records that are there and lends whole messages; returns how many were taken.
    private func take(_ maximum: Int, _ body: (MessageView) throws -> Void) throws -> Int {
        if link.isForked { throw link.forked("receive") }
        guard !isClosed else { throw closedError() }
        guard !isPoisoned else { throw closedError() }
        guard !isReceiving else {
            throw NaruError(
                .reentrant, operation: "receive", object: link.name, reason: "called from inside its own closure")
        }
        guard !finished || untaken != nil else { return 0 }
        isReceiving = true
        defer {
            isReceiving = false
            adopted = nil
        }
        if let message = untaken {
            try body(MessageView(bytes: message.bytes, sequence: taken + 1))
            untaken = nil
            count(message.byteCount, wire: untakenWireBytes)
            return 1
        }
        var delivered = 0
        var failure: (any Error)?
        do {
            repeat {
                var sequence = taken
                var byteCount = 0
                let records = try lane.drain(maximum) { record in
                    guard record.header.isPlain, record.adopted == nil else {
                        // Counted first: what follows counts for itself.
                        countPlain(&sequence, &byteCount, &delivered)
                        let answer = step(record, &delivered, maximum, &failure, body)
                        sequence = taken
                        return answer
                    }
                    do {
                        try body(MessageView(bytes: record.bytes, sequence: sequence &+ 1))
                    } catch {
                        failure = error
                        return .leaveAndStop
                    }
                    sequence &+= 1
                    byteCount &+= record.bytes.byteCount
                    // One record is one message, and the lane stops at the maximum by itself.
                    return .take
                }
                countPlain(&sequence, &byteCount, &delivered)
                if records == 0 || failure != nil || finished { break }
            } while delivered == 0
        } catch {
            throw laneFailed(error)
        }
        if let failure { throw failure }
        return delivered
    }

    /// Counts plain messages up to `sequence`, which have `byteCount` bytes together.
    @inline(__always)
    private func countPlain(_ sequence: inout UInt64, _ byteCount: inout Int, _ delivered: inout Int) {
        let count = Int(truncatingIfNeeded: sequence &- taken)
        guard count > 0 else { return }
        taken = sequence
        delivered &+= count
        counters.addMessages(.messagesReceived, count, byteCount, byteCount)
        byteCount = 0
    }

    /// What becomes of a record that is not a plain message.
    @inline(__always)
    private func step(
        _ record: InboundRecord, _ delivered: inout Int, _ maximum: Int, _ failure: inout (any Error)?,
        _ body: (MessageView) throws -> Void
    ) -> DrainStep {
        let header = record.header
        var bytes = record.bytes
        if header.extensionByteCount > 0 {
            guard Int(header.extensionByteCount) <= bytes.byteCount else {
                return violate("an extension longer than its record", &failure)
            }
            // Metadata of a kind this version does not know is skipped.
            bytes = bytes.extracting(droppingFirst: Int(header.extensionByteCount))
        }
        if header.kind == .data, header.flags.isDisjoint(with: .codec) {
            adopted = record.adopted
            do {
                try body(MessageView(bytes: bytes, sequence: taken &+ 1))
            } catch {
                failure = error
                return .leaveAndStop
            }
            count(bytes.byteCount, wire: bytes.byteCount)
            delivered &+= 1
            return delivered < maximum ? .take : .takeAndStop
        }
        return unusual(header, bytes, &delivered, maximum, &failure, body)
    }

    /// Compressed messages, fragments, the end.
    private func unusual(
        _ header: RecordHeader, _ bytes: RawSpan, _ delivered: inout Int, _ maximum: Int,
        _ failure: inout (any Error)?, _ body: (MessageView) throws -> Void
    ) -> DrainStep {
        switch header.kind {
        case .data:
            guard !assembler.isPartial else { return violate("a message inside another's fragments", &failure) }
            return lend(bytes, header.flags, &delivered, maximum, &failure, body)
        case .fragment:
            switch assembler.append(header, bytes) {
            case .more: return .take
            case .violation(let what): return violate(what, &failure)
            case .complete(let flags):
                defer { assembler.release() }
                return lend(assembler.bytes, flags, &delivered, maximum, &failure, body)
            }
        case .abort:
            if assembler.abort().contains(.history) { decompressor?.breakHistory() }
            return .take
        case .finish:
            let count =
                bytes.byteCount == 8
                ? UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(as: UInt64.self)) : UInt64.max
            guard count == taken, !assembler.isPartial else {
                return violate("a finish after \(count) messages where \(taken) came", &failure)
            }
            finished = true
            link.acknowledge(taken)
            return .takeAndStop
        default:
            return violate("a record of unknown kind \(header.kind.rawValue)", &failure)
        }
    }

    /// Lends a message that came in parts or compressed.
    private func lend(
        _ payload: RawSpan, _ flags: RecordHeader.Flags, _ delivered: inout Int, _ maximum: Int,
        _ failure: inout (any Error)?, _ body: (MessageView) throws -> Void
    ) -> DrainStep {
        guard flags.contains(.compressed) else {
            guard flags.isDisjoint(with: .codec) else {
                return violate("a message with history that is not compressed", &failure)
            }
            return deliver(payload, wire: payload.byteCount, &delivered, maximum, &failure, body)
        }
        guard let decompressor else { return violate("a compressed message without a codec agreed", &failure) }
        do {
            let start = MonotonicClock.nanoseconds()
            let byteCount = try decompressor.decompress(payload, flags)
            let duration = MonotonicClock.nanoseconds() &- start
            link.counters.add(.decompressionNanoseconds, Int(truncatingIfNeeded: duration))
            return deliver(
                decompressor.bytes(byteCount), wire: payload.byteCount, &delivered, maximum, &failure, body)
        } catch {
            poison(error.reason)
            failure = error
            return .takeAndStop
        }
    }

    /// Lends a message that lies in private memory. One whose closure throws is kept for the next call.
    private func deliver(
        _ bytes: RawSpan, wire: Int, _ delivered: inout Int, _ maximum: Int,
        _ failure: inout (any Error)?, _ body: (MessageView) throws -> Void
    ) -> DrainStep {
        do {
            try body(MessageView(bytes: bytes, sequence: taken &+ 1))
        } catch {
            untaken = OwnedMessage(copying: bytes)
            untakenWireBytes = wire
            failure = error
            return .takeAndStop
        }
        count(bytes.byteCount, wire: wire)
        delivered &+= 1
        return delivered < maximum ? .take : .takeAndStop
    }

    @inline(__always)
    private func count(_ byteCount: Int, wire: Int) {
        taken &+= 1
        counters.addMessages(.messagesReceived, 1, byteCount, wire)
    }

    private func violate(_ what: String, _ failure: inout (any Error)?) -> DrainStep {
        poison(what)
        failure = closedError()
        return .takeAndStop
    }

    private func poison(_ what: String) {
        isPoisoned = true
        link.counters.add(.violations, 1)
        link.close(.protocolViolation(what))
    }

    // MARK: Ends

    /// Ends receiving: the sender is told that this end takes no more. Idempotent. Inside a closure of the receiver's
    /// own it takes effect when the closure returns.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        if link.isForked {
            if let companion { Link.abandon(companion) }
            return Link.abandon(lane)
        }
        companion = nil
        lane.close()
        link.detach(finished: true)
    }

    private func laneFailed(_ error: NaruError) -> NaruError {
        if error.code == .protocolViolation, !isPoisoned { poison(error.reason) }
        return link.isClosed ? closedError() : error
    }

    /// Why nothing more comes. Only the record on the lane means *finished*, so a link that closed without it did not.
    private func closedError() -> NaruError {
        if link.isForked { return link.forked("receive") }
        guard !isClosed, let reason = link.closeReason else {
            return NaruError(.closed, operation: "receive", object: link.name, reason: "this end closed the receiver")
        }
        return (reason == .finished ? .peerVanished : reason).error("receive", link.name)
    }
}

extension Receiver: AsyncSequence {
    /// The messages, owned. Costs a copy and an allocation each; ``forEach(_:)`` costs neither.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let receiver: Receiver

        /// The next message, or `nil` when the sender has finished.
        public mutating func next() async throws -> OwnedMessage? {
            try await receiver.next(deadline: .never)
        }
    }

    /// An iterator over the messages that come from now on.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(receiver: self)
    }
}
