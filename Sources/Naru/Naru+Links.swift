// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

extension Naru {
    /// How long an end waits for the other where no deadline is given.
    public static let defaultWait = Duration.seconds(30)

    /// Dials a link and sends to whoever receives there.
    ///
    /// - Parameters:
    ///   - link: a name of the configuration, or an address.
    ///   - deadline: until when to wait for the receiver; ``defaultWait`` from now where it is `nil`.
    /// - Throws: as ``settings(for:)``, and as ``NaruCore/Runtime/sender(_:_:deadline:)``.
    public func sender(_ link: String, deadline: Deadline? = nil) async throws(NaruError) -> sending Sender {
        try await sender(try settings(for: link), deadline: deadline)
    }

    /// Dials the link of these settings and sends to whoever receives there.
    public func sender(_ link: LinkSettings, deadline: Deadline? = nil) async throws(NaruError) -> sending Sender {
        let (address, request) = try endpoint(link, .oneWay, operation: "send")
        return try await runtime.sender(address, request, deadline: deadline ?? .after(Self.defaultWait))
    }

    /// Listens on a link and receives from the first sender that comes.
    ///
    /// - Parameters:
    ///   - link: a name of the configuration, or an address.
    ///   - deadline: until when to wait for a sender; ``defaultWait`` from now where it is `nil`.
    /// - Throws: as ``settings(for:)``, and as ``NaruCore/Runtime/receiver(_:_:deadline:)``.
    public func receiver(_ link: String, deadline: Deadline? = nil) async throws(NaruError) -> sending Receiver {
        try await receiver(try settings(for: link), deadline: deadline)
    }

    /// Listens on the link of these settings and receives from the first sender that comes.
    public func receiver(
        _ link: LinkSettings, deadline: Deadline? = nil
    ) async throws(NaruError) -> sending Receiver {
        let (address, request) = try endpoint(link, .oneWay, listens: true, operation: "receive")
        return try await runtime.receiver(address, request, deadline: deadline ?? .after(Self.defaultWait))
    }

    /// Dials a duplex link and exchanges messages with whoever listens there.
    ///
    /// A link whose direction nothing sets is duplex here.
    /// - Parameters:
    ///   - link: a name of the configuration, or an address.
    ///   - deadline: until when to wait for the listener; ``defaultWait`` from now where it is `nil`.
    /// - Throws: as ``settings(for:)``, and as ``NaruCore/Runtime/channel(_:_:deadline:)``.
    public func channel(_ link: String, deadline: Deadline? = nil) async throws(NaruError) -> sending Channel {
        try await channel(try settings(for: link), deadline: deadline)
    }

    /// Dials the duplex link of these settings and exchanges messages with whoever listens there.
    public func channel(_ link: LinkSettings, deadline: Deadline? = nil) async throws(NaruError) -> sending Channel {
        let (address, request) = try endpoint(link, .exactly(.duplex), operation: "open a channel of")
        return try await runtime.channel(address, request, deadline: deadline ?? .after(Self.defaultWait))
    }

    /// Listens on a link: one endpoint for each peer that comes, a channel where the link is duplex and a receiver
    /// where it is not.
    ///
    /// - Parameters:
    ///   - link: a name of the configuration, or an address.
    ///   - direction: what the program needs it to be; `nil` takes what the configuration says.
    /// - Throws: as ``settings(for:)``, and as ``NaruCore/Runtime/listener(_:_:)``.
    public func listener(_ link: String, direction: Direction? = nil) throws(NaruError) -> Listener {
        try listener(try settings(for: link), direction: direction)
    }

    /// Listens on the link of these settings.
    public func listener(_ link: LinkSettings, direction: Direction? = nil) throws(NaruError) -> Listener {
        let (address, request) = try endpoint(
            link, direction.map { .exactly($0) } ?? .any, listens: true, operation: "listen on")
        return try runtime.listener(address, request)
    }

    /// Dials a link and sends to a resuming receiver there, over as many connections as it takes.
    ///
    /// A link whose direction nothing sets is duplex here: the receiver says how far it is.
    /// - Parameters:
    ///   - link: a name of the configuration, or an address.
    ///   - deadline: until when to wait for the receiver at first; ``defaultWait`` from now where it is `nil`.
    /// - Throws: as ``settings(for:)``, and as ``NaruCore/Runtime/resumingSender(_:_:policy:deadline:)``.
    public func resumingSender(
        _ link: String, deadline: Deadline? = nil
    ) async throws(NaruError) -> sending ResumingSender {
        try await resumingSender(try settings(for: link), deadline: deadline)
    }

    /// Dials the link of these settings, whose ``LinkSettings/resumption`` says what is kept.
    public func resumingSender(
        _ link: LinkSettings, deadline: Deadline? = nil
    ) async throws(NaruError) -> sending ResumingSender {
        let (address, request) = try endpoint(link, .exactly(.duplex), operation: "send a resuming stream on")
        return try await runtime.resumingSender(
            address, request, policy: link.resumption, deadline: deadline ?? .after(Self.defaultWait))
    }

    /// Listens on a link for a resuming sender.
    /// - Throws: as ``settings(for:)``, and as ``NaruCore/Runtime/resumingReceiver(_:_:policy:)``.
    public func resumingReceiver(_ link: String) throws(NaruError) -> sending ResumingReceiver {
        try resumingReceiver(try settings(for: link))
    }

    /// Listens on the link of these settings.
    public func resumingReceiver(_ link: LinkSettings) throws(NaruError) -> sending ResumingReceiver {
        let (address, request) = try endpoint(
            link, .exactly(.duplex), listens: true, operation: "receive a resuming stream on")
        return try runtime.resumingReceiver(address, request, policy: link.resumption)
    }
}
