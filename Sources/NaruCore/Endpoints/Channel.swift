// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem
internal import Synchronization

/// The end of a link that sends and receives. One user at a time, as ``Sender`` and ``Receiver``; ``split()`` gives the
/// halves to two.
public final class Channel {
    /// The half that sends.
    public let sender: Sender
    /// The half that receives.
    public let receiver: Receiver

    init(sender: Sender, receiver: Receiver) {
        self.sender = sender
        self.receiver = receiver
    }

    /// Sends a copy of `bytes`. See ``Sender/send(_:deadline:)-(RawSpan,_)``.
    public func send(_ bytes: RawSpan, deadline: Deadline = .never) async throws(NaruError) {
        try await sender.send(bytes, deadline: deadline)
    }

    /// Sends a copy of an array's bytes. See ``Sender/send(_:deadline:)-(RawSpan,_)``.
    public func send(_ bytes: [UInt8], deadline: Deadline = .never) async throws(NaruError) {
        unsafe try await sender.send(bytes.span.bytes, deadline: deadline)
    }

    /// Waits for one message and lends it. See ``Receiver/receive(deadline:_:)``.
    public func receive<R>(
        deadline: Deadline = .never, _ body: (MessageView) throws -> R
    ) async throws -> R? {
        try await receiver.receive(deadline: deadline, body)
    }

    /// What other threads may do with the channel.
    public var control: EndpointControl { sender.control }
    /// Why this transport carries the link, and why the others do not.
    public var decision: Decision { sender.decision }

    /// The two halves, for two users: two tasks or two threads. The link closes when both are closed or gone.
    public static func split(_ channel: sending Channel) -> Halves {
        Halves(sender: channel.sender, receiver: channel.receiver)
    }

    /// Closes both halves. Idempotent.
    public func close() {
        sender.close()
        receiver.close()
    }

    /// The halves of a channel, each taken once.
    ///
    /// `@unchecked Sendable`: the halves share only their link, which is `Sendable`, and their two lanes, each of which
    /// has one user by the lanes' contract; each half is given away once, under the lock.
    public final class Halves: @unchecked Sendable {
        private let lock = Mutex(())
        private var sender: Sender?
        private var receiver: Receiver?

        init(sender: Sender, receiver: Receiver) {
            self.sender = sender
            self.receiver = receiver
        }

        /// The sending half; `nil` when it was taken before.
        public func takeSender() -> sending Sender? {
            // The one reference to it leaves here; see the type's note.
            nonisolated(unsafe) let half = lock.withLock { _ in
                defer { sender = nil }
                return sender
            }
            return unsafe half
        }

        /// The receiving half; `nil` when it was taken before.
        public func takeReceiver() -> sending Receiver? {
            // The one reference to it leaves here; see the type's note.
            nonisolated(unsafe) let half = lock.withLock { _ in
                defer { receiver = nil }
                return receiver
            }
            return unsafe half
        }
    }
}
