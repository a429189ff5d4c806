// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

extension Runtime {
    /// Dials `address` and sends to whoever listens there; where the link is attached to its medium, sends to that,
    /// whether anybody receives or not.
    /// - Parameters:
    ///   - address: where the receiver listens.
    ///   - request: what this end asks of the link.
    ///   - deadline: until when to wait for the receiver.
    /// - Throws: ``NaruError/Code/unreachable``, ``NaruError/Code/busy``, ``NaruError/Code/refused``,
    ///   ``NaruError/Code/noTransport`` with every candidate's reason, ``NaruError/Code/deadlineExceeded``,
    ///   ``NaruError/Code/cancelled``.
    public func sender(
        _ address: Address, _ request: LinkRequest = LinkRequest(), deadline: Deadline = .after(.seconds(30))
    ) async throws(NaruError) -> sending Sender {
        if request.isAttached(at: address) {
            var attacher = attacher(address, request, sends: true, receives: false, deadline)
            return try makeSender(try await attacher.attach())
        }
        if case .inherited(let name) = address {
            return try await sender(try inheritedEnd(name), request, deadline: deadline)
        }
        var dialer = dialer(address, request, sends: true, receives: false, deadline)
        return try makeSender(try await dialer.dial())
    }

    /// Listens at `address` and receives from the first sender that comes; others are refused as busy until the link
    /// closes. Where the link is attached to its medium, receives what that holds and is sent.
    /// - Throws: ``NaruError/Code/busy`` when somebody else listens there, ``NaruError/Code/unreachable`` when nobody
    ///   came before the deadline, ``NaruError/Code/cancelled``.
    public func receiver(
        _ address: Address, _ request: LinkRequest = LinkRequest(), deadline: Deadline = .after(.seconds(30))
    ) async throws(NaruError) -> sending Receiver {
        if request.isAttached(at: address) {
            var attacher = attacher(address, request, sends: false, receives: true, deadline)
            return try makeReceiver(try await attacher.attach())
        }
        if case .inherited(let name) = address {
            return try await receiver(try inheritedEnd(name), request, deadline: deadline)
        }
        let listener = try listener(address, request, sends: false, receives: true, .one)
        guard let established = try await listener.next(deadline: deadline) else { throw listener.nobodyCame() }
        return try makeReceiver(established, listener)
    }

    /// Dials `address` and exchanges messages with whoever listens there.
    /// - Throws: as ``sender(_:_:deadline:)``.
    public func channel(
        _ address: Address, _ request: LinkRequest = LinkRequest(), deadline: Deadline = .after(.seconds(30))
    ) async throws(NaruError) -> sending Channel {
        try request.duplex.checkNegotiated(at: address, "open a channel of")
        if case .inherited(let name) = address {
            return try await channel(try inheritedEnd(name), request, deadline: deadline)
        }
        var dialer = dialer(address, request.duplex, sends: true, receives: true, deadline)
        return try makeChannel(try await dialer.dial())
    }

    /// Listens at `address`: one channel, receiver or sender for each peer that comes.
    /// - Throws: ``NaruError/Code/busy`` when somebody else listens there; what the kernel refused;
    ///   ``NaruError/Code/unsupported`` for an inherited link, which has one peer.
    public func listener(_ address: Address, _ request: LinkRequest = LinkRequest()) throws(NaruError) -> Listener {
        try request.checkNegotiated(at: address, "listen on")
        if case .inherited = address {
            throw NaruError(
                .unsupported, operation: "listen", object: "\(address)", reason: "an inherited link has one peer",
                remedy: "use a sender, a receiver or a channel")
        }
        let duplex = request.requirements.direction == .duplex
        return Listener(
            try listener(address, request, sends: duplex, receives: true, .many(backlog: Listener.backlog)), self)
    }

    func dialer(
        _ address: Address, _ request: LinkRequest, sends: Bool, receives: Bool, _ deadline: Deadline
    ) -> LocalDialer {
        LocalDialer(
            self, name: address.name, hello: hello(name: address.name, request, sends: sends, receives: receives),
            deadline: deadline)
    }

    func listener(
        _ address: Address, _ request: LinkRequest, sends: Bool, receives: Bool, _ capacity: LocalListener.Capacity
    ) throws(NaruError) -> LocalListener {
        try checkFork("listen", address.name)
        let listener = try LocalListener(
            self, name: address.name, hello: hello(name: address.name, request, sends: sends, receives: receives),
            capacity: capacity)
        try listener.start()
        return listener
    }

    // MARK: Endpoints of an established link

    func makeSender(_ established: Handshake.Established) throws(NaruError) -> sending Sender {
        let lanes = established.take()
        return try makeSender(established.link, lanes.outbound)
    }

    func makeReceiver(
        _ established: Handshake.Established, _ companion: (any AnyObject & Sendable)? = nil
    ) throws(NaruError) -> sending Receiver {
        let lanes = established.take()
        return try makeReceiver(established.link, lanes.inbound, companion)
    }

    func makeChannel(_ established: Handshake.Established) throws(NaruError) -> sending Channel {
        let lanes = established.take()
        return Channel(
            sender: try makeSender(established.link, lanes.outbound),
            receiver: try makeReceiver(established.link, lanes.inbound, nil))
    }

    private func makeSender(_ link: Link, _ lane: (any OutboundLane)?) throws(NaruError) -> Sender {
        guard let lane else { throw missing("sends", link) }
        let terms = (link.role == .dialer ? link.agreement.forward : link.agreement.backward).first
        return try Sender(
            link: link, lane: lane, codec: terms?.codec.flatMap { codecs[$0] }, terms: terms, runtime: self)
    }

    private func makeReceiver(
        _ link: Link, _ lane: (any InboundLane)?, _ companion: (any AnyObject & Sendable)?
    ) throws(NaruError) -> Receiver {
        guard let lane else { throw missing("receives", link) }
        let terms = (link.role == .dialer ? link.agreement.backward : link.agreement.forward).first
        return try Receiver(
            link: link, lane: lane, codec: terms?.codec.flatMap { codecs[$0] }, terms: terms, runtime: self,
            companion: companion)
    }

    private func missing(_ what: String, _ link: Link) -> NaruError {
        link.leave(.closed, finished: false)
        return NaruError(
            .unsupported, operation: "open", object: link.name, reason: "this end of the link \(what) nothing")
    }
}
