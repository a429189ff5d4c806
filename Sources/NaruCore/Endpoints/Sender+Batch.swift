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
    public func batch<R>(_ body: (inout Batch) throws -> R) throws -> R {
        try beginBatch()
        var batch = Batch(self)
        let result: R
        do {
            result = try body(&batch)
        } catch {
            try end(&batch.room)
            throw error
        }
        try end(&batch.room)
        return result
    }

    @usableFromInline
    func beginBatch() throws(NaruError) {
        try begin(0)
        lane.hold()
    }

    /// Ends a batch, and shows it.
    @usableFromInline
    func end(_ room: inout RecordRoom) throws(NaruError) {
        use(&room)
        defer { closeIfAsked() }
        try publish()
    }

    /// Sends a message of a batch that its room has no place for, and borrows more.
    @usableFromInline
    func send(_ bytes: RawSpan, _ room: inout RecordRoom) throws(NaruError) -> Bool {
        use(&room)
        guard try trySend(bytes) else { return false }
        room = borrowRoom()
        return true
    }

    /// Gives the room back, with what was written there.
    private func use(_ room: inout RecordRoom) {
        guard room.byteCount > 0 else { return }
        takeBack()
        lane.useRoom(room.usedByteCount)
        count(room.count, room.messageByteCount)
        room = RecordRoom()
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

/// Messages on their way into a lane that nobody sees yet. Valid inside the closure it is given to, in which the sender
/// itself must not be used.
public struct Batch: ~Escapable {
    @usableFromInline let sender: Sender
    @usableFromInline var room = RecordRoom()

    @usableFromInline
    @_lifetime(borrow sender)
    init(_ sender: borrowing Sender) {
        self.sender = copy sender
    }

    /// Adds a copy of `bytes`; `false` when the lane has no room, and then the message was not sent.
    // Inlinable: small messages are written where the caller is.
    @inlinable
    @inline(__always)
    @_lifetime(self: copy self)
    public mutating func send(_ bytes: RawSpan) throws(NaruError) -> Bool {
        if room.append(bytes) { return true }
        return try sender.send(bytes, &room)
    }
}
