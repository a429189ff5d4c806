// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What a medium that sorts its messages is told of each: kernel queues, which keep it beside the message.
public struct MessageLabel: Hashable, Sendable {
    /// Higher ones are given first; those of one priority in the order in which they were sent. 0 is the lowest, and
    /// the plain one. For media whose record has ``Property/priority``: a POSIX queue, up to 32,767.
    public var priority: Int
    /// What a receiver can choose by. 0 is the plain one. For media whose record has ``Property/selective``: a System V
    /// queue, from 1 to 2^63 - 1; a plain message has type 1 there.
    public var type: Int

    /// A label; the plain one by default.
    public init(priority: Int = 0, type: Int = 0) {
        self.priority = priority
        self.type = type
    }
}

/// Which of the messages that lie in a medium a receiver is given next.
public enum MessageSelection: Hashable, Sendable {
    /// All, in the medium's order.
    case all
    /// The oldest of this type. From 1.
    case type(Int)
    /// The oldest of the lowest type there is, up to this one: a low type goes before a high one. From 1.
    case lowestType(upTo: Int)
}

extension NaruError {
    /// The medium does not sort its messages.
    static func unlabelled(_ operation: String) -> NaruError {
        NaruError(
            .unsupported, operation: operation, object: "labelled message",
            reason: "this transport gives messages in the order in which they were sent",
            remedy: "require priority (posix-queue) or selective (sysv-queue)")
    }
}
