// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// The blocking forms of a ``Receiver``'s operations, for threads of the program's own. Never call them from a task: they
/// would hold one of Swift's threads.
public struct BlockingReceiver {
    @usableFromInline let receiver: Receiver

    init(_ receiver: Receiver) {
        self.receiver = receiver
    }

    /// As ``Receiver/receive(deadline:_:)``; blocks the calling thread.
    // Inlinable, like every generic form, so that nothing is looked up about the result's type at run time.
    @inlinable
    @inline(__always)
    public func receive<R>(deadline: Deadline = .never, _ body: (MessageView) throws -> R) throws -> R? {
        var result: R?
        let count = try receiver.awaitMessagesBlocking(1, deadline: deadline) { result = try body($0) }
        return count == 0 ? nil : result
    }

    /// As ``Receiver/forEach(_:)``; blocks the calling thread.
    public func forEach(_ body: (MessageView) throws -> Void) throws {
        while try receiver.awaitMessagesBlocking(Receiver.batch, deadline: .never, body) > 0 {}
    }

    /// Waits for messages and lends those that are there, at most `maximum`.
    /// - Returns: how many were taken; 0 when the sender has finished.
    public func drain(
        max maximum: Int, deadline: Deadline = .never, _ body: (MessageView) throws -> Void
    ) throws -> Int {
        try receiver.awaitMessagesBlocking(maximum, deadline: deadline, body)
    }

    /// As ``Receiver/next(deadline:)``; blocks the calling thread.
    public func next(deadline: Deadline = .never) throws -> OwnedMessage? {
        var message: OwnedMessage?
        _ = try receiver.awaitMessagesBlocking(1, deadline: deadline) { view in
            message = receiver.adopted ?? OwnedMessage(copying: view.bytes)
        }
        return message
    }
}
