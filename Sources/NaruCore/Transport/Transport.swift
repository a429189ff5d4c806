// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// Something that can carry or synchronise, provided by a plugin: it has a name, says what it can do, and can be asked
/// whether it can do it here.
public protocol Mechanism: Sendable {
    /// The mechanism's name in configuration, handshake and decisions.
    var name: TransportName { get }

    /// What the mechanism can do on this host, measured or tried, not assumed. Must not throw, must not leave anything
    /// behind, must return within a second, or the mechanism is refused: what it cannot do is said in the record's
    /// availability, with reason and remedy. Called once for each ``Runtime``, on a thread of its own.
    func probe() -> CapabilityRecord
}

/// A mechanism that carries messages.
///
/// Both ends call ``open(_:)`` with the same agreement and their own role, and step the ``Opening`` until it yields
/// lanes. A plugin that throws leaves nothing behind; the next candidate is then tried inside the same connect.
public protocol Transport: Mechanism {
    /// Begins to open the lanes of an agreement. Must not block; may create what this end sends through.
    func open(_ request: OpeningRequest) throws(NaruError) -> any Opening
}

/// What a plugin is given to open lanes with.
public struct OpeningRequest: Sendable {
    /// The settled terms.
    public var agreement: Agreement
    /// This end's role.
    public var role: Role
    /// Wakes the peer's waiters; for lanes whose mechanism cannot.
    public var peerBell: any Bell
    /// Wakes this end's waiters; for lanes whose two ends live in one process.
    public var ownBell: any Bell
    /// Reaches the peer's lanes while the link is up; `nil` where nothing can.
    public var port: (any LanePort)?
    /// What the kernel said of the peer when it connected: over a network nothing,
    /// ``NaruSystem/PeerCredentials/unknown``.
    public var peer: PeerCredentials
    /// The thread that watches descriptors and deadlines for this ``Runtime``.
    public var reactor: Reactor
    /// Where ends of this host meet: for what has to have a name for a moment, and for the sidecars of objects that
    /// have one; see ``DurableObjects``.
    public var directories: RuntimeDirectories
    /// What the rendezvous of some plugin knows of the connection, where the two ends met by one: over a network. Then
    /// messages pass no descriptors.
    public var meeting: (any Meeting)?

    /// A request to open lanes.
    public init(
        agreement: Agreement, role: Role, peerBell: any Bell, ownBell: any Bell, peer: PeerCredentials,
        reactor: Reactor, port: (any LanePort)? = nil, directories: RuntimeDirectories = .standard(),
        meeting: (any Meeting)? = nil
    ) {
        self.agreement = agreement
        self.role = role
        self.peerBell = peerBell
        self.ownBell = ownBell
        self.peer = peer
        self.reactor = reactor
        self.port = port
        self.directories = directories
        self.meeting = meeting
    }

    /// Whether this end sends on the link.
    public var sends: Bool { !(role == .dialer ? agreement.forward : agreement.backward).isEmpty }
    /// Whether this end receives on the link.
    public var receives: Bool { !(role == .dialer ? agreement.backward : agreement.forward).isEmpty }
}

/// Opening in progress: a machine that the handshake steps, on the reactor's thread, until it yields lanes.
///
/// It is a machine and not an `async` function because a listener's openings must go on while nobody awaits anything,
/// without a task of their own. Before it yields lanes it must have *proved* that both ends hold the same thing: that
/// an object received is of the right type, size and seals and holds the agreed nonce, or that a first record crossed.
/// Dropping an opening releases everything it made, names included.
public protocol Opening: AnyObject {
    /// Goes on after `event`. Must not block and must not call back.
    /// - Throws: what refused; the candidate is given up and the peer is told.
    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep
}

/// What happened since the opening's last step.
public enum OpeningEvent {
    /// The first call, the last step was carried out, or the descriptor waited for is ready.
    case proceed
    /// The peer's opening sent this.
    case message(OpeningMessage)
}

/// What an opening wants next.
public enum OpeningStep {
    /// Send this to the peer's opening, then proceed.
    case send(OpeningMessage)
    /// Wait for a message of the peer's opening.
    case receive
    /// Wait until the descriptor is ready, then proceed.
    case wait(Descriptor, PollEvents)
    /// The lanes are open and proved. Nothing more may come from the peer's opening: that breaks the protocol, as do
    /// more than eight messages that nobody has asked for yet.
    case done(Lanes)
}

/// What two openings of one plugin say to each other: bytes that only they understand, and descriptors.
public struct OpeningMessage: Sendable {
    /// Opaque to the core, at most 16 KiB. From a peer: not trusted.
    public var bytes: [UInt8]
    /// At most eight; owned by whoever holds the message. From a peer: of any type, check before use.
    public var descriptors: [Descriptor]

    /// A message of an opening.
    public init(bytes: [UInt8], descriptors: [Descriptor] = []) {
        self.bytes = bytes
        self.descriptors = descriptors
    }
}

/// The lanes that an opening yields; this end owns them.
public struct Lanes {
    /// What this end sends through, where it sends.
    public var outbound: (any OutboundLane)?
    /// What this end receives through, where it receives.
    public var inbound: (any InboundLane)?
    /// Where this end's lanes hear from the other end's; `nil` when they have nothing to say to each other.
    public var mailbox: (any LaneMailbox)?

    /// Lanes, one each way at most.
    public init(
        outbound: (any OutboundLane)? = nil, inbound: (any InboundLane)? = nil, mailbox: (any LaneMailbox)? = nil
    ) {
        self.outbound = outbound
        self.inbound = inbound
        self.mailbox = mailbox
    }
}
