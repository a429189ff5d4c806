// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// The blocking forms of a ``Sender``'s operations, for threads of the program's own. Never call them from a task: they
/// would hold one of Swift's threads.
public struct BlockingSender {
    @usableFromInline let sender: Sender

    init(_ sender: Sender) {
        self.sender = sender
    }

    /// As ``Sender/send(_:deadline:)-(RawSpan,_)``; blocks the calling thread while there is no room.
    public func send(_ bytes: RawSpan, deadline: Deadline = .never) throws(NaruError) {
        try sender.sendBlocking(bytes, deadline: deadline)
    }

    /// As ``Sender/send(_:deadline:)-([UInt8],_)``; blocks the calling thread while there is no room.
    public func send(_ bytes: [UInt8], deadline: Deadline = .never) throws(NaruError) {
        unsafe try sender.sendBlocking(bytes.span.bytes, deadline: deadline)
    }

    /// As ``Sender/send(consuming:deadline:)``; blocks the calling thread while there is no room.
    public func send(consuming message: OwnedMessage, deadline: Deadline = .never) throws(NaruError) {
        guard sender.canAdopt(message) else { return try send(message.bytes, deadline: deadline) }
        var spell = sender.beginWait(.thread, deadline)
        while try !sender.adoptNow(message) {
            if sender.spins(&spell, message.byteCount) { continue }
            try sender.block(byteCount: message.byteCount, deadline: deadline)
        }
        sender.endWait(spell)
    }

    /// As ``Sender/withLoan(byteCount:deadline:_:)``; blocks the calling thread while there is no room.
    // Inlinable, so that nothing is looked up about the result's type at run time.
    @inlinable
    @inline(__always)
    public func withLoan<R>(
        byteCount: Int, deadline: Deadline = .never, _ body: (inout MutableRawSpan) throws -> R
    ) throws -> R {
        var result: R?
        try sender.lendBlocking(byteCount, deadline) { result = try body(&$0) }
        // It did: otherwise this has thrown.
        guard let result else { preconditionFailure("the closure of a loan ran") }
        return result
    }

    /// As ``Sender/send(batch:deadline:)``; blocks the calling thread while there is no room.
    public func send(batch messages: [[UInt8]], deadline: Deadline = .never) throws {
        var next = 0
        while next < messages.count {
            next = try sender.advance(messages, from: next)
            guard next < messages.count else { return }
            try send(messages[next], deadline: deadline)
            next += 1
        }
    }

    /// As ``Sender/flush(deadline:)``; blocks the calling thread.
    public func flush(deadline: Deadline = .never) throws(NaruError) {
        try sender.flushBlocking(deadline: deadline)
    }

    /// As ``Sender/finish(deadline:)``; blocks the calling thread.
    @discardableResult
    public func finish(deadline: Deadline = .never) throws(NaruError) -> Delivery {
        try sender.finishBlocking(deadline: deadline)
    }
}
