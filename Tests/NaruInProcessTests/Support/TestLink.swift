// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruInProcess
import NaruSystem

/// An open in-process link, both ends of it.
///
/// `@unchecked Sendable`: a test gives each lane to one thread and does not touch it before that thread has ended.
final class TestLink: @unchecked Sendable {
    let dialerBell: TestBell
    let listenerBell: TestBell
    let dialer: Lanes
    let listener: Lanes

    init(_ configuration: InProcessConfiguration = .init(), duplex: Bool = false) throws {
        dialerBell = try TestBell()
        listenerBell = try TestBell()
        let agreement = Self.agreement(duplex: duplex)
        let transport = InProcessTransport(configuration)
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        var pair = OpeningPair(
            dialer: try transport.open(Self.request(agreement, .dialer, dialerBell, listenerBell, reactor)),
            listener: try transport.open(Self.request(agreement, .listener, listenerBell, dialerBell, reactor)))
        (dialer, listener) = try pair.run()
    }

    /// The sending lane of the forward direction.
    func outbound() throws -> any OutboundLane {
        guard let lane = dialer.outbound else { throw OpeningPair.Failure.stuck }
        return lane
    }

    /// The receiving lane of the forward direction.
    func inbound() throws -> any InboundLane {
        guard let lane = listener.inbound else { throw OpeningPair.Failure.stuck }
        return lane
    }

    static func agreement(duplex: Bool = false) -> Agreement {
        let terms = [LaneTerms(transport: .inProcess)]
        return Agreement(
            link: .random(), forward: terms, backward: duplex ? terms : [],
            requirements: Requirements(direction: duplex ? .duplex : .simplex),
            relation: Relation(locality: .sameProcess, sameUser: true, sharedNamespaces: []))
    }

    static func request(
        _ agreement: Agreement, _ role: Role, _ own: TestBell, _ peer: TestBell, _ reactor: Reactor
    ) -> OpeningRequest {
        OpeningRequest(
            agreement: agreement, role: role, peerBell: peer, ownBell: own,
            peer: PeerCredentials(processID: 1, userID: 0, groupID: 0), reactor: reactor)
    }
}
