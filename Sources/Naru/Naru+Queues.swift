// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

extension Naru {
    /// Sends into a queue: many senders, many receivers, each message to one of them.
    ///
    /// The queue is made where it is missing, and keeps messages while nobody receives. A link whose direction nothing
    /// sets is a queue here. What was sent is in the queue once `send` has returned; `finish` says so and ends nobody
    /// else's link. A message's priority, or its type, is its ``NaruCore/MessageLabel``.
    /// - Parameters:
    ///   - link: a name of the configuration, or an address.
    ///   - deadline: until when to try; ``defaultWait`` from now where it is `nil`.
    /// - Throws: as ``settings(for:)``; ``NaruCore/NaruError/Code/noTransport`` with every candidate's reason.
    public func queueSender(_ link: String, deadline: Deadline? = nil) async throws(NaruError) -> sending Sender {
        try await queueSender(try settings(for: link), deadline: deadline)
    }

    /// Sends into the queue of these settings.
    public func queueSender(
        _ link: LinkSettings, deadline: Deadline? = nil
    ) async throws(NaruError) -> sending Sender {
        let (address, request) = try endpoint(link, .exactly(.queue), operation: "send to the queue")
        return try await runtime.sender(address, request, deadline: deadline ?? .after(Self.defaultWait))
    }

    /// Receives from a queue, as one of any number of receivers.
    ///
    /// A message that was taken out of the queue is given to nobody else, whatever becomes of its receiver: at most
    /// once. The receiver does not end with any sender.
    /// - Parameters:
    ///   - link: a name of the configuration, or an address.
    ///   - deadline: until when to try; ``defaultWait`` from now where it is `nil`.
    /// - Throws: as ``queueSender(_:deadline:)-(String,_)``.
    public func queueReceiver(_ link: String, deadline: Deadline? = nil) async throws(NaruError) -> sending Receiver {
        try await queueReceiver(try settings(for: link), deadline: deadline)
    }

    /// Receives from the queue of these settings.
    public func queueReceiver(
        _ link: LinkSettings, deadline: Deadline? = nil
    ) async throws(NaruError) -> sending Receiver {
        let (address, request) = try endpoint(link, .exactly(.queue), operation: "receive from the queue")
        return try await runtime.receiver(address, request, deadline: deadline ?? .after(Self.defaultWait))
    }
}

extension Naru {
    /// Removes a link's queue with the messages that are in it, unless somebody has it open; whether it did.
    /// - Throws: as ``NaruCore/Runtime/removeMedium(of:)``.
    public func removeQueue(_ link: String) throws(NaruError) -> Bool {
        try runtime.removeMedium(of: try Address(parsing: link).name)
    }
}

extension BlockingNaru {
    /// As ``Naru/queueSender(_:deadline:)-(String,_)``; blocks the calling thread.
    public func queueSender(_ link: String, deadline: Deadline? = nil) throws(NaruError) -> sending Sender {
        let (address, request) = try naru.endpoint(
            try naru.settings(for: link), .exactly(.queue), operation: "send to the queue")
        return try naru.runtime.blocking.sender(address, request, deadline: deadline ?? .after(Naru.defaultWait))
    }

    /// As ``Naru/queueReceiver(_:deadline:)-(String,_)``; blocks the calling thread.
    public func queueReceiver(_ link: String, deadline: Deadline? = nil) throws(NaruError) -> sending Receiver {
        let (address, request) = try naru.endpoint(
            try naru.settings(for: link), .exactly(.queue), operation: "receive from the queue")
        return try naru.runtime.blocking.receiver(address, request, deadline: deadline ?? .after(Naru.defaultWait))
    }
}
