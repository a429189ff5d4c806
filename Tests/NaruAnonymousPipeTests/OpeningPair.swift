// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import NaruAnonymousPipe
import Testing

/// A bell that nobody hears: pipes wake by themselves.
private struct SilentBell: Bell {
    func ring() {}
}

/// Steps the two openings of a link against each other within one process.
struct OpeningPair {
    var transport = AnonymousPipeTransport()
    let direction: Direction
    /// For simplex: whether the dialer is the one who sends.
    var isForward = true
    let reactor: Reactor
    /// Changes a message on its way.
    var tamper: (Role, OpeningMessage) -> OpeningMessage = { $1 }

    init(_ direction: Direction, isForward: Bool = true, reactor: Reactor) {
        self.direction = direction
        self.isForward = isForward
        self.reactor = reactor
    }

    func request(_ role: Role) -> OpeningRequest {
        let terms = [LaneTerms(transport: .pipe)]
        let agreement = Agreement(
            link: .random(), forward: direction == .duplex || isForward ? terms : [],
            backward: direction == .duplex || !isForward ? terms : [], requirements: Requirements(direction: direction),
            relation: Relation(locality: .sameProcess, sameUser: true, sharedNamespaces: []))
        return OpeningRequest(
            agreement: agreement, role: role, peerBell: SilentBell(), ownBell: SilentBell(),
            peer: PeerCredentials(
                processID: ProcessIdentity.current.processID, userID: HostInformation.userID, groupID: 0),
            reactor: reactor)
    }

    /// The lanes of the dialer and of the listener.
    func open() throws -> (dialer: Lanes, listener: Lanes) {
        var sides = [Side(try transport.open(request(.dialer))), Side(try transport.open(request(.listener)))]
        let roles: [Role] = [.dialer, .listener]
        for _ in 0..<100 {
            for index in 0..<2 {
                guard let message = try sides[index].step() else { continue }
                sides[1 - index].inbox.append(tamper(roles[index], message))
            }
            if let dialer = sides[0].lanes, let listener = sides[1].lanes { return (dialer, listener) }
        }
        throw NaruError(.deadlineExceeded, operation: "open", object: "test", reason: "the openings do not end")
    }

    private struct Side {
        let opening: any Opening
        var inbox: [OpeningMessage] = []
        var lanes: Lanes?
        private var isReceiving = false

        init(_ opening: any Opening) { self.opening = opening }

        /// Goes one step, where there is one; what the opening wants to send.
        mutating func step() throws -> OpeningMessage? {
            if lanes != nil { return nil }
            let event: OpeningEvent
            if isReceiving {
                if inbox.isEmpty { return nil }
                event = .message(inbox.removeFirst())
                isReceiving = false
            } else {
                event = .proceed
            }
            switch try opening.advance(event) {
            case .send(let message):
                return message
            case .receive:
                isReceiving = true
            case .wait(let descriptor, let events):
                try #require(try !descriptor.poll(events, deadline: .after(.seconds(30))).isEmpty)
            case .done(let opened):
                lanes = opened
            }
            return nil
        }
    }
}

/// What one link carries one way.
func cross(_ outbound: (any OutboundLane)?, _ inbound: (any InboundLane)?, _ messages: [[UInt8]]) throws -> [[UInt8]] {
    let outbound = try #require(outbound)
    let inbound = try #require(inbound)
    var found: [[UInt8]] = []
    func take() throws -> Int {
        try inbound.drain(64) { record in
            found.append(Array(copying: record.bytes))
            return .take
        }
    }
    for message in messages {
        // Borrowed for the call.
        while unsafe try !outbound.trySend(RecordHeader(), RawSpan(), message.span.bytes) { _ = try take() }
    }
    while found.count < messages.count {
        _ = try outbound.flush()
        if try take() > 0 { continue }
        if case .descriptor(let descriptor, let events) = try inbound.arm(.thread) {
            try #require(try !descriptor.poll(events, deadline: .after(.seconds(30))).isEmpty)
        }
        inbound.disarm()
    }
    return found
}

/// Whether a look at what came, which is nothing, and an arming say that no more will come.
func hasEnded(_ inbound: (any InboundLane)?) throws -> Bool {
    let inbound = try #require(inbound)
    let taken = try inbound.drain(1) { _ in .leaveAndStop }
    if taken == 0, case .ended = try inbound.arm(.thread) { return true }
    return false
}
