// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import Synchronization

/// What the dialer leaves in the table and the listener completes.
final class Meeting: Sendable {
    private enum State: Sendable {
        /// The dialer waits for the listener.
        case waiting
        /// The listener has made the rings; the dialer has not taken its side yet.
        case joined(RingPair)
        /// The dialer has its side, or has gone.
        case over
    }

    private let configuration: InProcessConfiguration
    private let dialerBell: any Bell
    private let state = Mutex(State.waiting)

    /// A meeting that a dialer opens; `bell` wakes that dialer.
    init(_ configuration: InProcessConfiguration, dialerBell bell: any Bell) {
        self.configuration = configuration
        dialerBell = bell
    }

    /// The listener arrives: makes the rings of the agreement. `nil` when the dialer has gone.
    func join(_ agreement: Agreement, listenerBell: any Bell) -> RingPair? {
        state.withLock { state in
            guard case .waiting = state else { return nil }
            let pair = RingPair(
                forward: agreement.forward.isEmpty
                    ? nil : RecordRing(configuration, senderBell: dialerBell, receiverBell: listenerBell),
                backward: agreement.backward.isEmpty
                    ? nil : RecordRing(configuration, senderBell: listenerBell, receiverBell: dialerBell))
            state = .joined(pair)
            return pair
        }
    }

    /// The dialer takes its side; `nil` when no listener has joined: then it is not in this process.
    func complete() -> RingPair? {
        state.withLock { state in
            guard case .joined(let pair) = state else { return nil }
            state = .over
            return pair
        }
    }

    /// The dialer goes; a listener that has joined sees its lanes end. Without effect after ``complete()``.
    func abandon() {
        let pair: RingPair? = state.withLock { state in
            defer { state = .over }
            if case .joined(let pair) = state { return pair }
            return nil
        }
        pair?.forward?.closeSender()
        pair?.backward?.closeReceiver()
    }
}

/// The rings of one link, one each way at most.
struct RingPair: Sendable {
    /// From the dialer to the listener.
    var forward: RecordRing?
    /// From the listener to the dialer.
    var backward: RecordRing?

    /// The lanes of one end. Each end makes them once.
    func lanes(of role: Role, link: LinkID) -> Lanes {
        let (out, back) = role == .dialer ? (forward, backward) : (backward, forward)
        return Lanes(
            outbound: out.map { InProcessOutboundLane($0, link: link) },
            inbound: back.map { InProcessInboundLane($0, link: link) })
    }
}
