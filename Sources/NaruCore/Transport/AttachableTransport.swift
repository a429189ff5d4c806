// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// A transport whose medium can hold the agreement: a kernel queue, a FIFO of another program, a file to replay.
///
/// An end attaches by itself, whether there is another or not: no control connection, no handshake, no news of a peer's
/// death, no `taken`. The medium says what was agreed, or an end brings its own terms to one that says nothing; whoever
/// finds terms that it cannot keep refuses.
///
/// A transport whose record names ``AgreementKind/attached`` conforms. Where it does not name
/// ``AgreementKind/negotiated`` too, ``Transport/open(_:)`` is never called, and refuses by default.
public protocol AttachableTransport: Transport {
    /// Opens this end of a medium, and makes what is Naru's own where it is missing. Must not block: what cannot be had
    /// yet is ``AttachStep/notYet(_:)``, and the core asks again until the deadline.
    ///
    /// Contract of the lanes beyond that of negotiated ones: the outbound lane is given the finish record, and drops it
    /// where its medium has several senders or carries bytes only; the inbound lane gives one where it knows by itself
    /// that nothing more will come, as at the end of a FIFO. Where nothing wakes a waiter, lanes answer
    /// ``WaitTarget/pause(_:)``.
    /// - Throws: what refused; the next candidate is then tried.
    func attach(_ request: AttachRequest) throws(NaruError) -> AttachStep
}

extension AttachableTransport {
    /// Refuses: this transport only attaches.
    public func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
        throw NaruError(
            .unsupported, operation: "open", object: name.rawValue,
            reason: "it is attached to its medium, not negotiated")
    }
}

/// What a plugin is given to attach one end.
public struct AttachRequest: Sendable {
    /// What to attach to.
    public var medium: Medium
    /// What this end asks of the link.
    public var requirements: Requirements
    /// Whether this end sends.
    public var sends: Bool
    /// Whether this end receives.
    public var receives: Bool
    /// How the bytes of another program's stream are cut into messages; for media that keep messages it means nothing.
    public var framing: RawFraming
    /// Where the sidecars of Naru's own objects lie.
    public var directories: RuntimeDirectories
    /// The thread that watches descriptors and deadlines for this ``Runtime``.
    public var reactor: Reactor

    /// What a link is attached to.
    public enum Medium: Sendable, Hashable {
        /// An object of Naru's own for the link of this name, `[a-z0-9-]{1,64}`; messages travel in records.
        case link(name: String)
        /// An object of another program, as its user names it; bytes travel as they are. From outside: check it.
        case foreign(object: String)
    }

    /// A request to attach.
    public init(
        medium: Medium, requirements: Requirements, sends: Bool, receives: Bool, framing: RawFraming = .bytes,
        directories: RuntimeDirectories, reactor: Reactor
    ) {
        self.medium = medium
        self.requirements = requirements
        self.sends = sends
        self.receives = receives
        self.framing = framing
        self.directories = directories
        self.reactor = reactor
    }
}

/// What came of an attempt to attach.
public enum AttachStep {
    /// The end is open.
    case attached(Attachment)
    /// It cannot be opened yet, for this reason; nothing is held.
    case notYet(String)
}

/// One end of a medium, open.
public struct Attachment {
    /// The lanes: outbound where the end sends, inbound where it receives. Closing them releases all.
    public var lanes: Lanes
    /// The medium's own id, where it has one: the same for all that attach to it.
    public var id: LinkID?
    /// How far messages got when everything is flushed: what `finish` returns. Never ``Delivery/taken``.
    public var delivery: Delivery

    /// An open end.
    public init(lanes: Lanes, id: LinkID? = nil, delivery: Delivery) {
        self.lanes = lanes
        self.id = id
        self.delivery = delivery
    }
}
