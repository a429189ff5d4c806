// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

extension Naru {
    /// Starts a program with links attached, and blocks until it is loaded.
    ///
    /// ```swift
    /// let worker = try naru.start(ChildProgram("/usr/lib/app/worker", links: ["jobs", "results"]))
    /// let jobs = try await naru.sender("jobs", to: worker)
    /// let results = try await naru.receiver("results", from: worker)
    /// ```
    ///
    /// In the program, `naru.receiver("jobs")` and `naru.sender("results")` meet these, without a name on the host and
    /// whatever else listens under it. Either end may ask first. The settings of a link are those of its name, at each
    /// end.
    /// - Throws: as ``NaruCore/Runtime/start(_:)``.
    public func start(_ program: ChildProgram) throws(NaruError) -> Child {
        try checkRunning("start", program.executable)
        return try runtime.start(program)
    }

    /// Sends to a program that this one started.
    ///
    /// - Parameters:
    ///   - link: one of the names that the program was started with.
    ///   - child: the program.
    ///   - deadline: until when to wait for it to open the link; ``defaultWait`` from now where it is `nil`.
    /// - Throws: as ``settings(for:)``, and as ``NaruCore/Runtime/sender(_:_:deadline:)-(RelatedEnd,_,_)``; how the
    ///   program ended where it did before it opened the link.
    public func sender(
        _ link: String, to child: Child, deadline: Deadline? = nil
    ) async throws(NaruError) -> sending Sender {
        try await sender(try settings(for: link), to: child, deadline: deadline)
    }

    /// Sends to a program that this one started, by these settings, whatever their address.
    public func sender(
        _ link: LinkSettings, to child: Child, deadline: Deadline? = nil
    ) async throws(NaruError) -> sending Sender {
        let (end, request) = try related(link, child, .oneWay, "send")
        return try await runtime.sender(end, request, deadline: deadline ?? .after(Self.defaultWait))
    }

    /// Receives from a program that this one started. As ``sender(_:to:deadline:)-(String,_,_)``.
    public func receiver(
        _ link: String, from child: Child, deadline: Deadline? = nil
    ) async throws(NaruError) -> sending Receiver {
        try await receiver(try settings(for: link), from: child, deadline: deadline)
    }

    /// Receives from a program that this one started, by these settings, whatever their address.
    public func receiver(
        _ link: LinkSettings, from child: Child, deadline: Deadline? = nil
    ) async throws(NaruError) -> sending Receiver {
        let (end, request) = try related(link, child, .oneWay, "receive")
        return try await runtime.receiver(end, request, deadline: deadline ?? .after(Self.defaultWait))
    }

    /// Exchanges messages with a program that this one started. As ``sender(_:to:deadline:)-(String,_,_)``.
    public func channel(
        _ link: String, with child: Child, deadline: Deadline? = nil
    ) async throws(NaruError) -> sending Channel {
        try await channel(try settings(for: link), with: child, deadline: deadline)
    }

    /// Exchanges messages with a program that this one started, by these settings, whatever their address.
    public func channel(
        _ link: LinkSettings, with child: Child, deadline: Deadline? = nil
    ) async throws(NaruError) -> sending Channel {
        let (end, request) = try related(link, child, .exactly(.duplex), "open a channel of")
        return try await runtime.channel(end, request, deadline: deadline ?? .after(Self.defaultWait))
    }

    func related(
        _ link: LinkSettings, _ child: Child, _ shape: LinkSettings.Shape, _ operation: String
    ) throws(NaruError) -> (RelatedEnd, LinkRequest) {
        let (_, request) = try endpoint(link, shape, operation: operation)
        return (try child.end(of: link.name ?? ""), request)
    }
}

extension BlockingNaru {
    /// As ``Naru/sender(_:to:deadline:)-(String,_,_)``; blocks the calling thread.
    public func sender(
        _ link: String, to child: Child, deadline: Deadline? = nil
    ) throws(NaruError) -> sending Sender {
        try sender(try naru.settings(for: link), to: child, deadline: deadline)
    }

    /// Sends to a program that this one started, by these settings; blocks the calling thread.
    public func sender(
        _ link: LinkSettings, to child: Child, deadline: Deadline? = nil
    ) throws(NaruError) -> sending Sender {
        let (end, request) = try naru.related(link, child, .oneWay, "send")
        return try naru.runtime.blocking.sender(end, request, deadline: deadline ?? .after(Naru.defaultWait))
    }

    /// As ``Naru/receiver(_:from:deadline:)-(String,_,_)``; blocks the calling thread.
    public func receiver(
        _ link: String, from child: Child, deadline: Deadline? = nil
    ) throws(NaruError) -> sending Receiver {
        try receiver(try naru.settings(for: link), from: child, deadline: deadline)
    }

    /// Receives from a program that this one started, by these settings; blocks the calling thread.
    public func receiver(
        _ link: LinkSettings, from child: Child, deadline: Deadline? = nil
    ) throws(NaruError) -> sending Receiver {
        let (end, request) = try naru.related(link, child, .oneWay, "receive")
        return try naru.runtime.blocking.receiver(end, request, deadline: deadline ?? .after(Naru.defaultWait))
    }

    /// As ``Naru/channel(_:with:deadline:)-(String,_,_)``; blocks the calling thread.
    public func channel(
        _ link: String, with child: Child, deadline: Deadline? = nil
    ) throws(NaruError) -> sending Channel {
        try channel(try naru.settings(for: link), with: child, deadline: deadline)
    }

    /// Exchanges messages with a program that this one started, by these settings; blocks the calling thread.
    public func channel(
        _ link: LinkSettings, with child: Child, deadline: Deadline? = nil
    ) throws(NaruError) -> sending Channel {
        let (end, request) = try naru.related(link, child, .exactly(.duplex), "open a channel of")
        return try naru.runtime.blocking.channel(end, request, deadline: deadline ?? .after(Naru.defaultWait))
    }
}
