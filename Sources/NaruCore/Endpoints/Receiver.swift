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
// Safe: `run` and `runLimit` are allocated for the receiver's life; `run` is only written by the lane and read up to
// the count it gave.
@safe
public final class Receiver {
    let link: Link
    let lane: any InboundLane
    private let counters: CounterWords
    let decompressor: Decompressor?
    /// Keeps the thread that watches for as long as an endpoint is in use.
    private let runtime: Runtime
    var assembler: Assembler
    /// Messages taken so far.
    private(set) var taken: UInt64 = 0
    /// What stands in the way of reading the lane; nothing, as a rule, and then one comparison says so.
    var obstacles: Obstacles = []
    /// A message that came in parts or compressed and whose closure threw: given again first.
    var untaken: OwnedMessage?
    /// Bytes the lane gave for it.
    var untakenWireBytes = 0
    private var companion: (any AnyObject & Sendable)?
    var patience: Patience
    /// The last wait, and the messages taken by then.
    var lastSpell: (spell: WaitSpell, taken: UInt64)?
    /// Until when what may be on its way is waited for after the link closed, and how far it had come when that was
    /// set.
    var transit = (progress: UInt64(0), deadline: Deadline.never)
    var hasLookedAfterClose = false
    /// Where lanes lend messages together.
    private let run = UnsafeMutableBufferPointer<LentRecord>.allocate(capacity: 64)
    /// How many of them are to be given. In memory of its own, because a loop outside this module looks at it with
    /// every message, where a property would be checked for exclusive access.
    private let runLimit = UnsafeMutablePointer<Int>.allocate(capacity: 1)

    struct Obstacles: OptionSet {
        let rawValue: UInt8
        /// The sender has finished.
        static let finished = Obstacles(rawValue: 1)
        /// A closure of the user's runs.
        static let receiving = Obstacles(rawValue: 2)
        static let closed = Obstacles(rawValue: 4)
        /// The peer broke the protocol: nothing more is read of what it wrote.
        static let poisoned = Obstacles(rawValue: 8)
        /// An untaken message comes first.
        static let untaken = Obstacles(rawValue: 16)
    }

    /// What one look at the lane delivers.
    struct Delivery {
        /// The number of the last message, and the bytes of those that are not counted yet.
        var sequence: UInt64
        var byteCount = 0
        /// Messages counted.
        var count = 0
        let maximum: Int
        /// What ended it.
        var failure: (any Error)?

        /// Whether there may be another.
        var goesOn: DrainStep { count < maximum ? .take : .takeAndStop }

        @inline(never)
        mutating func fail(_ error: any Error, _ step: DrainStep) -> DrainStep {
            failure = error
            return step
        }
    }

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
        unsafe run.deallocate()
        unsafe runLimit.deallocate()
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
        while try drain(max: 1, { result = try body($0) }) == 0 {
            guard try await wait(deadline) else { return nil }
        }
        return result
    }

    /// Lends every message to `body`, until the sender finishes.
    /// - Throws: as ``receive(deadline:_:)``.
    @inlinable
    @inline(__always)
    public func forEach(_ body: (MessageView) throws -> Void) async throws {
        repeat {
            while try drain(max: 64, body) > 0 {}
        } while try await wait(.never)
    }

    /// Lends messages that are there now, at most `maximum` and not always all of them, and returns how many were
    /// taken; 0: there is none now. Does not wait.
    /// - Throws: as ``receive(deadline:_:)``, but returns 0 after the sender has finished or the link has closed.
    // Inlinable, so that the closure becomes part of the loop over what the lane lends.
    @inlinable
    @inline(__always)
    public func drain(max maximum: Int, _ body: (MessageView) throws -> Void) throws -> Int {
        let run = try borrow(maximum)
        guard run.count > 0 else { return try take(maximum, body) }
        var taken = 0
        // On every path: what `body` took is given back, and the rest given again.
        defer { giveBack(run, taken: taken) }
        while unsafe taken < run.limit.pointee {
            let record = unsafe run.records[taken]
            try body(MessageView(record, sequence: run.sequence &+ UInt64(truncatingIfNeeded: taken &+ 1)))
            taken &+= 1
        }
        return taken
    }

    /// Whether the sender has finished and everything was taken.
    public var isFinished: Bool { obstacles.contains(.finished) && untaken == nil }

    // MARK: Own

    /// Waits for one message and copies it out; moves it where the lane moved one.
    /// - Returns: the message, or `nil` when the sender has finished.
    public func next(deadline: Deadline = .never) async throws -> OwnedMessage? {
        while true {
            if let message = try takeOwned() { return message }
            guard try await wait(deadline) else { return nil }
        }
    }

    /// The message that is there now, if there is one.
    func takeOwned() throws -> OwnedMessage? {
        var message: OwnedMessage?
        _ = try drain(max: 1) { view in
            message = self.adopted ?? OwnedMessage(copying: view.bytes)
        }
        return message
    }

    // MARK: The path of one message

    /// The message being lent, where the lane moved one.
    var adopted: OwnedMessage?

    /// Borrows plain messages that lie in the lane, at most `maximum`; none where something is in the way, or other.
    @usableFromInline
    func borrow(_ maximum: Int) throws(NaruError) -> MessageRun {
        var count = 0
        if obstacles.isEmpty, !link.isForked, maximum > 0 {
            let room = unsafe UnsafeMutableBufferPointer(rebasing: run[..<Swift.min(maximum, run.count)])
            do throws(NaruError) {
                count = unsafe try lane.borrow(room)
            } catch {
                throw laneFailed(error)
            }
            if count > 0 { obstacles.insert(.receiving) }
        }
        unsafe runLimit.pointee = count
        return unsafe MessageRun(run.baseAddress.unsafelyUnwrapped, count: count, limit: runLimit, after: taken)
    }

    /// Takes the first `count` messages of those that were borrowed.
    @usableFromInline
    func giveBack(_ borrowed: MessageRun, taken count: Int) {
        obstacles.remove(.receiving)
        var byteCount = 0
        for index in 0..<count { byteCount &+= unsafe run[index].byteCount }
        unsafe lane.giveBack(UnsafeMutableBufferPointer(rebasing: run[..<borrowed.count]), taken: count)
        taken &+= UInt64(truncatingIfNeeded: count)
        counters.addMessages(.messagesReceived, count, byteCount, byteCount)
    }

    /// Reads the records that are there and lends whole messages; returns how many were taken.
    @usableFromInline
    func take(_ maximum: Int, _ body: (MessageView) throws -> Void) throws -> Int {
        if !obstacles.isEmpty || link.isForked { return try takeOddly(body) }
        obstacles.insert(.receiving)
        defer { obstacles.remove(.receiving) }
        var delivery = Delivery(sequence: taken, maximum: maximum)
        do {
            repeat {
                let records = try lane.drain(maximum) { record in
                    guard record.header.isPlain, record.adopted == nil else {
                        return takeUnusual(record, &delivery, body)
                    }
                    do {
                        try body(MessageView(bytes: record.bytes, sequence: delivery.sequence &+ 1))
                    } catch {
                        return delivery.fail(error, .leaveAndStop)
                    }
                    delivery.sequence &+= 1
                    delivery.byteCount &+= record.bytes.byteCount
                    // One record is one message, and the lane stops at the maximum by itself.
                    return .take
                }
                countPlain(&delivery)
                if records == 0 || delivery.failure != nil || obstacles.contains(.finished) { break }
            } while delivery.count == 0
        } catch {
            throw laneFailed(error)
        }
        if let failure = delivery.failure { throw failure }
        return delivery.count
    }

    /// What a call comes to that finds an obstacle.
    @inline(never)
    private func takeOddly(_ body: (MessageView) throws -> Void) throws -> Int {
        if link.isForked { throw link.forked("receive") }
        guard obstacles.isDisjoint(with: [.closed, .poisoned]) else { throw closedError() }
        guard !obstacles.contains(.receiving) else {
            throw NaruError(
                .reentrant, operation: "receive", object: link.name, reason: "called from inside its own closure")
        }
        guard let message = untaken else { return 0 }
        obstacles.insert(.receiving)
        defer { obstacles.remove(.receiving) }
        try body(MessageView(bytes: message.bytes, sequence: taken + 1))
        untaken = nil
        obstacles.remove(.untaken)
        count(message.byteCount, wire: untakenWireBytes)
        return 1
    }

    /// Counts the plain messages of a delivery that are not counted yet.
    @inline(__always)
    func countPlain(_ delivery: inout Delivery) {
        let count = Int(truncatingIfNeeded: delivery.sequence &- taken)
        guard count > 0 else { return }
        taken = delivery.sequence
        delivery.count &+= count
        counters.addMessages(.messagesReceived, count, delivery.byteCount, delivery.byteCount)
        delivery.byteCount = 0
    }

    @inline(__always)
    func count(_ byteCount: Int, wire: Int) {
        taken &+= 1
        counters.addMessages(.messagesReceived, 1, byteCount, wire)
    }

    func poison(_ what: String) {
        obstacles.insert(.poisoned)
        link.counters.add(.violations, 1)
        link.close(.protocolViolation(what))
    }

    // MARK: Ends

    /// Ends receiving: the sender is told that this end takes no more. Idempotent. Inside a closure of the receiver's
    /// own it takes effect when the closure returns.
    public func close() {
        guard !obstacles.contains(.closed) else { return }
        obstacles.insert(.closed)
        unsafe runLimit.pointee = 0
        if link.isForked {
            if let companion { Link.abandon(companion) }
            return Link.abandon(lane)
        }
        companion = nil
        lane.close()
        link.detach(finished: true)
    }

    func laneFailed(_ error: NaruError) -> NaruError {
        if error.code == .protocolViolation, !obstacles.contains(.poisoned) { poison(error.reason) }
        return link.isClosed ? closedError() : error
    }

    /// Why nothing more comes. Only the record on the lane means *finished*, so a link that closed without it did not.
    func closedError() -> NaruError {
        if link.isForked { return link.forked("receive") }
        guard !obstacles.contains(.closed), let reason = link.closeReason else {
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
