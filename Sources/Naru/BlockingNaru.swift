// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

extension Naru {
    /// The operations that wait, for threads of the program's own. Never call them from a task.
    public var blocking: BlockingNaru { BlockingNaru(self) }
}

/// The blocking forms of a ``Naru``'s operations.
public struct BlockingNaru: Sendable {
    let naru: Naru

    init(_ naru: Naru) {
        self.naru = naru
    }

    /// As ``Naru/sender(_:deadline:)-(String,_)``; blocks the calling thread.
    public func sender(_ link: String, deadline: Deadline? = nil) throws(NaruError) -> sending Sender {
        try sender(try naru.settings(for: link), deadline: deadline)
    }

    /// As ``Naru/sender(_:deadline:)-(LinkSettings,_)``; blocks the calling thread.
    public func sender(_ link: LinkSettings, deadline: Deadline? = nil) throws(NaruError) -> sending Sender {
        let (address, request) = try naru.endpoint(link, .oneWay, operation: "send")
        return try naru.runtime.blocking.sender(address, request, deadline: deadline ?? .after(Naru.defaultWait))
    }

    /// As ``Naru/receiver(_:deadline:)-(String,_)``; blocks the calling thread.
    public func receiver(_ link: String, deadline: Deadline? = nil) throws(NaruError) -> sending Receiver {
        try receiver(try naru.settings(for: link), deadline: deadline)
    }

    /// As ``Naru/receiver(_:deadline:)-(LinkSettings,_)``; blocks the calling thread.
    public func receiver(_ link: LinkSettings, deadline: Deadline? = nil) throws(NaruError) -> sending Receiver {
        let (address, request) = try naru.endpoint(link, .oneWay, listens: true, operation: "receive")
        return try naru.runtime.blocking.receiver(address, request, deadline: deadline ?? .after(Naru.defaultWait))
    }

    /// As ``Naru/channel(_:deadline:)-(String,_)``; blocks the calling thread.
    public func channel(_ link: String, deadline: Deadline? = nil) throws(NaruError) -> sending Channel {
        try channel(try naru.settings(for: link), deadline: deadline)
    }

    /// As ``Naru/channel(_:deadline:)-(LinkSettings,_)``; blocks the calling thread.
    public func channel(_ link: LinkSettings, deadline: Deadline? = nil) throws(NaruError) -> sending Channel {
        let (address, request) = try naru.endpoint(link, .exactly(.duplex), operation: "open a channel of")
        return try naru.runtime.blocking.channel(address, request, deadline: deadline ?? .after(Naru.defaultWait))
    }

    /// As ``Naru/shutdown()``; blocks the calling thread.
    public func shutdown() {
        naru.shutdownBlocking()
    }
}
