// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What any thread may do with an endpoint while its user is inside it.
public struct EndpointControl: Sendable {
    private let link: Link

    init(_ link: Link) {
        self.link = link
    }

    /// Closes the link: pending operations of this end throw ``NaruError/Code/closed``, the peer is told. Idempotent.
    public func close() {
        link.leave(.closed, finished: false)
    }

    /// Why this transport carries the link, and why the others do not.
    public var decision: Decision { link.decision }
    /// What both ends settled on.
    public var agreement: Agreement { link.agreement }
    /// The process at the other end, where there is one.
    public var peer: PeerInformation? { link.peer }
    /// What this end counted until now.
    public var counters: Counters { link.counters.snapshot }
    /// Why the link closed, once it did.
    public var closeReason: CloseReason? { link.closeReason }
}
