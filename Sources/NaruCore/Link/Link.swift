// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// What the endpoints of one end of a link, the reactor and the monitor of the peer's life share.
///
/// The lanes belong to the endpoints; the link only says whether it is open, why it closed, and wakes whoever waits.
@safe final class Link: Sendable {
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
    /// How far messages got when everything is flushed, where the link is attached to its medium and no receiver can
    /// say more; `nil` where it is negotiated.
    let attachedDelivery: Delivery?

    private struct State {
        var reason: CloseReason?
        var peerTook: UInt64?
        var onClose: [@Sendable (CloseReason) -> Void] = []
        var openEndpoints = 0
    }
    private let state = Mutex(State())
    private let closedFlag = Atomic(false)
    // Safe: it belongs to the reactor, which lives as long as this link; the word behind it is an atomic.
    private nonisolated(unsafe) let forkMark: UnsafePointer<Atomic<UInt32>>
    private let connection: ControlConnection?

    init(
        agreement: Agreement, decision: Decision, role: Role, name: String, reactor: Reactor, peer: PeerInformation?,
        connection: ControlConnection?, attachedDelivery: Delivery? = nil
    ) {
        self.attachedDelivery = attachedDelivery
        self.agreement = agreement
        self.decision = decision
        self.role = role
        self.name = name
        self.reactor = reactor
        unsafe forkMark = reactor.forkGuard.mark
        self.peer = peer
        self.connection = connection
    }

    /// Whether the link is closed. Acquire: whoever sees `true` also sees everything that was handed over before, so a
    /// reader drains once more after it and then knows that nothing is left.
    @inline(__always)
    var isClosed: Bool { closedFlag.load(ordering: .acquiring) || isForked }

    /// Whether this process was forked from the one whose end this is. Then nothing of it may be touched: locks may be
    /// held by threads that do not exist here, and the connection and the lanes' memory are the parent's.
    // Relaxed: the kernel wipes the word before the child runs.
    @inline(__always)
    var isForked: Bool { unsafe forkMark.pointee.load(ordering: .relaxed) == 0 }

    /// Why it closed, once it did.
    var closeReason: CloseReason? { isForked ? nil : state.withLock { $0.reason } }

    /// How many messages the peer says it took.
    var peerTook: UInt64? { isForked ? nil : state.withLock { $0.peerTook } }

    /// Closes the link once; later reasons are ignored. Wakes every waiter.
    func close(_ reason: CloseReason) {
        if isForked { return }
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
        wakeAll(forGood: true)
        for callback in callbacks { callback(reason) }
    }

    /// Closes from this end, tells the peer, and lets the connection go.
    func leave(_ reason: CloseReason, finished: Bool) {
        if isForked { return }
        close(reason)
        guard let connection else { return }
        try? connection.send(.closing(agreement.link, finished: finished))
        connection.closeWhenSent()
    }

    /// On the reactor's thread: the peer's end of a lane is gone, and nobody has said why.
    func closeUnexplained() {
        if isClosed { return }
        connection?.readPending()
        close(.peerVanished)
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
    func wakeAll(forGood: Bool = false) {
        inbound.wake(forGood: forGood)
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

    /// What every operation of an endpoint throws in a forked child.
    func forked(_ operation: String) -> NaruError { .forked(operation, name) }

    /// Lets a lane be in a forked child: whatever it would do when it goes, it would do to the parent's.
    static func abandon(_ lane: any AnyObject) {
        _ = unsafe Unmanaged.passRetained(lane)
    }

    /// One more endpoint holds the link.
    func attach() {
        state.withLock { $0.openEndpoints += 1 }
    }

    /// An endpoint lets go; the last one leaves the link.
    func detach(finished: Bool) {
        if isForked { return }
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

extension NaruError {
    /// What is asked for belongs to the process that this one was forked from.
    static func forked(_ operation: String, _ object: String) -> NaruError {
        NaruError(
            .forked, operation: operation, object: object,
            reason: "this process was forked from the one that it belongs to",
            remedy: "make a runtime and links of the child's own")
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
