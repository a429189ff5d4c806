// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import NaruSharedMemory

/// Two ends of one link in one process, whose openings are stepped against each other.
struct OpeningPair {
    let reactor: Reactor
    var dialer: OpeningRequest
    var listener: OpeningRequest

    init(
        _ direction: Direction, requirements: Requirements = Requirements(), userID: UInt32 = HostInformation.userID
    ) throws {
        let terms = [LaneTerms(transport: .sharedMemory)]
        let agreement = Agreement(
            link: .random(), forward: terms, backward: direction == .duplex ? terms : [], requirements: requirements,
            relation: .assumed(.sameProcess))
        let peer = PeerCredentials(
            processID: ProcessIdentity.current.processID, userID: userID, groupID: 0)
        let reactor = try Reactor(name: "opening-test")
        self.reactor = reactor
        func request(_ role: Role) -> OpeningRequest {
            OpeningRequest(
                agreement: agreement, role: role, peerBell: SilentBell(), ownBell: SilentBell(), peer: peer,
                reactor: reactor)
        }
        dialer = request(.dialer)
        listener = request(.listener)
    }

    /// Opens both ends. `tamper` sees each message on its way.
    func open(
        _ transport: SharedMemoryTransport = SharedMemoryTransport(),
        tamper: (OpeningMessage) -> OpeningMessage = { $0 }
    ) throws -> (dialer: Lanes, listener: Lanes) {
        defer { reactor.shutdown() }
        let openings = [try transport.open(dialer), try transport.open(listener)]
        var inboxes: [[OpeningMessage]] = [[], []]
        var waits = [false, false]
        var lanes: [Lanes?] = [nil, nil]
        while lanes[0] == nil || lanes[1] == nil {
            var progressed = false
            for side in 0..<2 where lanes[side] == nil {
                let event: OpeningEvent
                if waits[side] {
                    if inboxes[side].isEmpty { continue }
                    event = .message(inboxes[side].removeFirst())
                } else {
                    event = .proceed
                }
                progressed = true
                waits[side] = false
                switch try openings[side].advance(event) {
                case .send(let message): inboxes[1 - side].append(tamper(message))
                case .receive: waits[side] = true
                case .wait(let descriptor, let events): _ = try descriptor.poll(events, deadline: .never)
                case .done(let opened): lanes[side] = opened
                }
            }
            if !progressed { throw Stuck() }
        }
        return (lanes[0]!, lanes[1]!)
    }

    struct Stuck: Error {}
}

/// A bell that nobody hears.
struct SilentBell: Bell {
    func ring() {}
}

extension OutboundLane {
    func trySend(_ bytes: [UInt8]) throws(NaruError) -> Bool {
        try unsafe trySend(RecordHeader(), RawSpan(), bytes.span.bytes)
    }
}

extension InboundLane {
    /// Copies everything that is there.
    func receiveAll() throws(NaruError) -> [[UInt8]] {
        var all: [[UInt8]] = []
        _ = try drain(10_000) { record in
            all.append([UInt8](copying: record.bytes))
            return .take
        }
        return all
    }
}
