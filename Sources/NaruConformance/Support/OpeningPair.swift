// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
public import NaruSystem

/// Steps the two openings of a link against each other within one process: for a plugin's own tests, which look at the
/// lanes, or change a message on its way as a hostile peer would. What all openings must do is what the kit's lines
/// try.
public struct OpeningPair {
    /// Whose openings they are.
    public var transport: any Transport
    /// Changes a message on its way; the role is that of its sender.
    public var tamper: (Role, OpeningMessage) -> OpeningMessage = { $1 }
    private let direction: Direction
    private let isForward: Bool
    private let reactor: Reactor
    private let directories: RuntimeDirectories

    /// - Parameters:
    ///   - transport: whose openings they are.
    ///   - direction: of the link.
    ///   - isForward: whether the dialer of a simplex link is the one who sends.
    ///   - reactor: runs until the test shuts it down.
    ///   - directories: where an opening may make what has to have a name.
    public init(
        _ transport: any Transport, _ direction: Direction, isForward: Bool = true, reactor: Reactor,
        directories: RuntimeDirectories = .standard()
    ) {
        self.transport = transport
        self.direction = direction
        self.isForward = isForward
        self.reactor = reactor
        self.directories = directories
    }

    private struct SilentBell: Bell {
        func ring() {}
    }

    /// What the opening of one end is given.
    public func request(_ role: Role) -> OpeningRequest {
        let terms = [LaneTerms(transport: transport.name)]
        let agreement = Agreement(
            link: .random(), forward: direction == .duplex || isForward ? terms : [],
            backward: direction == .duplex || !isForward ? terms : [], requirements: Requirements(direction: direction),
            relation: Relation(locality: .sameProcess, sameUser: true, sharedNamespaces: []))
        return OpeningRequest(
            agreement: agreement, role: role, peerBell: SilentBell(), ownBell: SilentBell(),
            peer: PeerCredentials(
                processID: ProcessIdentity.current.processID, userID: HostInformation.userID, groupID: 0),
            reactor: reactor, directories: directories)
    }

    /// The lanes of both ends. Blocks, bounded.
    /// - Throws: what an opening throws; ``NaruCore/NaruError/Code/deadlineExceeded`` when they come to no end.
    public func open() throws(NaruError) -> (dialer: Lanes, listener: Lanes) {
        var driver = OpeningDriver(
            dialer: try transport.open(request(.dialer)), listener: try transport.open(request(.listener)))
        driver.intercept = { [tamper] _, sender, message in tamper(sender, message) }
        switch driver.run() {
        case .opened(let dialer, let listener): return (dialer, listener)
        case .failed(_, let error): throw error
        case .stuck: throw Self.late("open", "the openings do not end")
        }
    }

    /// Sends messages over one link's lanes, and returns what came of them, in order. Blocks, bounded.
    /// - Throws: what a lane throws; ``NaruCore/NaruError/Code/deadlineExceeded`` when something does not come;
    ///   ``NaruCore/NaruError/Code/invalidArgument`` where an end has no such lane.
    public static func cross(
        _ outbound: (any OutboundLane)?, _ inbound: (any InboundLane)?, _ messages: [[UInt8]]
    ) throws(NaruError) -> [[UInt8]] {
        guard let outbound, let inbound else { throw noLane("cross") }
        var found: [[UInt8]] = []
        func take() throws(NaruError) -> Int {
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
                let ready = (try? descriptor.poll(events, deadline: .after(.seconds(30)))) ?? []
                if ready.isEmpty { throw late("receive", "what is waited for does not come") }
            }
            inbound.disarm()
        }
        return found
    }

    /// Whether a look at what came, which is nothing, and an arming say that no more will come.
    public static func hasEnded(_ inbound: (any InboundLane)?) throws(NaruError) -> Bool {
        guard let inbound else { throw noLane("look") }
        let taken = try inbound.drain(1) { _ in .leaveAndStop }
        if taken == 0, case .ended = try inbound.arm(.thread) { return true }
        return false
    }

    private static func noLane(_ operation: String) -> NaruError {
        NaruError(.invalidArgument, operation: operation, object: "pair of openings", reason: "an end has no such lane")
    }

    private static func late(_ operation: String, _ reason: String) -> NaruError {
        NaruError(.deadlineExceeded, operation: operation, object: "pair of openings", reason: reason)
    }
}
