// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// What the endpoints of one end of a link, the reactor and the monitor of the peer's life share.
///
/// The lanes belong to the endpoints; the link only says whether it is open, why it closed, and wakes whoever waits.
final class Link: Sendable {
    let agreement: Agreement
    let role: Role
    let name: String
    let reactor: Reactor
    /// What the peer's process is, where there is one.
    let peer: PeerInformation?
    let inbound = WaitSlot()
    let outbound = WaitSlot()
    /// Waits for the peer's acknowledgement of a finish.
    let answer = WaitSlot()
    let counters = CounterWords()
    let decision: Decision

    private struct State {
        var reason: CloseReason?
        var peerTook: UInt64?
        var onClose: [@Sendable (CloseReason) -> Void] = []
        var openEndpoints = 0
    }
    private let state = Mutex(State())
    private let closedFlag = Atomic(false)
    private let connection: ControlConnection?

    init(
        agreement: Agreement, decision: Decision, role: Role, name: String, reactor: Reactor, peer: PeerInformation?,
        connection: ControlConnection?
    ) {
        self.agreement = agreement
        self.decision = decision
        self.role = role
        self.name = name
        self.reactor = reactor
        self.peer = peer
        self.connection = connection
    }

    /// Whether the link is closed. Acquire: whoever sees `true` also sees everything that was handed over before, so a
    /// reader drains once more after it and then knows that nothing is left.
    var isClosed: Bool { closedFlag.load(ordering: .acquiring) }

    /// Why it closed, once it did.
    var closeReason: CloseReason? { state.withLock { $0.reason } }

    /// How many messages the peer says it took.
    var peerTook: UInt64? { state.withLock { $0.peerTook } }

    /// Closes the link once; later reasons are ignored. Wakes every waiter.
    func close(_ reason: CloseReason) {
        let callbacks = state.withLock { state -> [@Sendable (CloseReason) -> Void]? in
            guard state.reason == nil else { return nil }
            state.reason = reason
            defer { state.onClose = [] }
            return state.onClose
        }
        guard let callbacks else { return }
        // Release: pairs with the acquire in isClosed. Sequentially consistent so that a waiter that armed before this
        // store is woken below, and one that arms later sees it.
        closedFlag.store(true, ordering: .sequentiallyConsistent)
        wakeAll()
        for callback in callbacks { callback(reason) }
    }

    /// Closes from this end, tells the peer, and lets the connection go.
    func leave(_ reason: CloseReason, finished: Bool) {
        close(reason)
        guard let connection else { return }
        try? connection.send(.closing(agreement.link, finished: finished))
        connection.closeWhenSent()
    }

    /// Runs `body` when the link closes, or now when it has.
    func onClose(_ body: @escaping @Sendable (CloseReason) -> Void) {
        let reason = state.withLock { state in
            if state.reason == nil { state.onClose.append(body) }
            return state.reason
        }
        if let reason { body(reason) }
    }

    /// Wakes every waiter of this end; they look again.
    func wakeAll() {
        inbound.wake()
        outbound.wake()
        answer.wake()
    }

    /// The peer says how many messages it took. Wakes every waiter: a bell is dropped while this news waits to be sent.
    func tookMessages(_ count: UInt64) {
        state.withLock { $0.peerTook = count }
        wakeAll()
    }

    /// Tells the peer how many messages this end took.
    func acknowledge(_ count: UInt64) {
        try? connection?.send(.taken(agreement.link, count))
    }

    /// One more endpoint holds the link.
    func attach() {
        state.withLock { $0.openEndpoints += 1 }
    }

    /// An endpoint lets go; the last one leaves the link.
    func detach(finished: Bool) {
        let isLast = state.withLock { state in
            state.openEndpoints -= 1
            return state.openEndpoints == 0
        }
        guard isLast else { return }
        inbound.retire(reactor: reactor)
        outbound.retire(reactor: reactor)
        leave(finished ? .finished : .closed, finished: finished)
    }
}

/// What is known of the process at the other end of a link.
public struct PeerInformation: Sendable, Hashable {
    /// Its id in this process's PID namespace; 0 when it has none here.
    public var processID: Int32
    /// Its effective user id, from the kernel.
    public var userID: UInt32

    /// What the kernel says of a peer.
    public init(processID: Int32, userID: UInt32) {
        self.processID = processID
        self.userID = userID
    }
}
