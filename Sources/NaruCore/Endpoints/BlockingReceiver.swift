// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// The blocking forms of a ``Receiver``'s operations, for threads of the program's own. Never call them from a task:
/// they would hold one of Swift's threads.
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
        while try receiver.drain(max: 1, { result = try body($0) }) == 0 {
            guard try receiver.waitBlocking(deadline) else { return nil }
        }
        return result
    }

    /// As ``Receiver/forEach(_:)``; blocks the calling thread.
    @inlinable
    @inline(__always)
    public func forEach(_ body: (MessageView) throws -> Void) throws {
        repeat {
            while try receiver.drain(max: 64, body) > 0 {}
        } while try receiver.waitBlocking(.never)
    }

    /// Waits for messages and lends those that are there, at most `maximum`; see ``Receiver/drain(max:_:)``.
    /// - Returns: how many were taken; 0 when the sender has finished.
    @inlinable
    @inline(__always)
    public func drain(
        max maximum: Int, deadline: Deadline = .never, _ body: (MessageView) throws -> Void
    ) throws -> Int {
        while true {
            let count = try receiver.drain(max: maximum, body)
            if count > 0 { return count }
            guard try receiver.waitBlocking(deadline) else { return 0 }
        }
    }

    /// As ``Receiver/next(deadline:)``; blocks the calling thread.
    public func next(deadline: Deadline = .never) throws -> OwnedMessage? {
        while true {
            if let message = try receiver.takeOwned() { return message }
            guard try receiver.waitBlocking(deadline) else { return nil }
        }
    }
}
