// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

extension Sender {
    /// Sends many messages and shows them to the receiver together: one wake-up, one release of the ring, one system
    /// call where there is one.
    ///
    /// `body` sends through the batch. Where the lane has no room left, the batch stops early: ``Batch/send(_:)``
    /// answers `false`, what was accepted is shown, and the caller goes on with another batch.
    /// - Throws: what `body` throws; what was accepted before is sent all the same.
    // Inlinable, so that nothing is looked up about the result's type at run time.
    @inlinable
    @inline(__always)
    public func batch<R>(_ body: (Batch) throws -> R) throws -> R {
        try beginBatch()
        let result: R
        do {
            result = try body(Batch(self))
        } catch {
            try publish()
            throw error
        }
        try publish()
        return result
    }

    @usableFromInline
    func beginBatch() throws(NaruError) {
        try begin(0)
        lane.hold()
    }

    @usableFromInline
    func publish() throws(NaruError) {
        do {
            try lane.publish()
        } catch {
            throw laneFailed(error)
        }
    }

    /// Sends every message of an array in batches, waiting for room where there is none.
    /// - Throws: as ``send(_:deadline:)-(RawSpan,_)``; messages before the one that failed are accepted.
    public func send(batch messages: [[UInt8]], deadline: Deadline = .never) async throws {
        var next = 0
        while next < messages.count {
            next = try advance(messages, from: next)
            guard next < messages.count else { return }
            try await send(messages[next], deadline: deadline)
            next += 1
        }
    }

    /// Sends as many messages as there is room for, together; returns the index of the first that was not sent.
    func advance(_ messages: [[UInt8]], from start: Int) throws(NaruError) -> Int {
        try begin(0)
        lane.hold()
        var next = start
        do throws(NaruError) {
            while next < messages.count {
                let message = messages[next]
                guard try trySend(unsafe message.span.bytes) else { break }
                next += 1
            }
        } catch {
            try publish()
            throw error
        }
        try publish()
        return next
    }
}

/// Messages on their way into a lane that nobody sees yet. Valid inside the closure it is given to.
public struct Batch: ~Escapable {
    @usableFromInline let sender: Sender

    @usableFromInline
    @_lifetime(borrow sender)
    init(_ sender: borrowing Sender) {
        self.sender = copy sender
    }

    /// Adds a copy of `bytes`; `false` when the lane has no room, and then the message was not sent.
    public func send(_ bytes: RawSpan) throws(NaruError) -> Bool {
        try sender.trySend(bytes)
    }
}
