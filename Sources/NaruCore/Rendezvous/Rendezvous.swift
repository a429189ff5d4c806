// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// A way for two ends on different hosts to meet, brought by a plugin: addresses of one scheme, at which one end
/// listens and the other dials.
///
/// What comes of it is a connected stream socket over which the core then speaks: the handshake, and the link's control
/// messages. It passes no descriptors, and nobody vouches for who is at its other end. Names of this host need no
/// plugin; they are the core's.
public protocol Rendezvous: Sendable {
    /// The scheme of its addresses: `tcp`.
    var scheme: String { get }

    /// Binds an address, so that dialers reach it from now on; what comes before ``Doorway/open(_:troubled:)`` waits.
    /// Must not block, but for a name that has to be looked up, and then no longer than five seconds.
    /// - Throws: ``NaruError/Code/busy`` when somebody else listens there, ``NaruError/Code/refused`` when policy
    ///   forbids it, ``NaruError/Code/unreachable`` for a name without an address; what the kernel refused.
    func listen(_ request: RendezvousRequest) throws(NaruError) -> any Doorway

    /// Makes one attempt to reach whoever listens. Must not block.
    /// - Parameter completion: Called once, on the reactor's thread or before this returns, unless the attempt is given
    ///   up first.
    func dial(
        _ request: RendezvousRequest, completion: @escaping @Sendable (DialOutcome) -> Void
    ) -> any DialAttempt
}

/// What a plugin is given to listen or dial with.
public struct RendezvousRequest: Sendable {
    /// The address's host: a name or a number; `*` for every address of this host, where one listens.
    public var host: String
    /// The address's port; 0 lets the kernel choose, where one listens.
    public var port: UInt16
    /// How messages name the address.
    public var address: String
    /// Whether the configuration permits that others on the way read and change what is sent.
    public var permitsInsecure: Bool
    /// The thread that watches descriptors and deadlines.
    public var reactor: Reactor
    /// Threads for calls that block, such as looking up a name.
    public var errands: Errands

    /// A request.
    public init(
        host: String, port: UInt16, address: String, permitsInsecure: Bool, reactor: Reactor, errands: Errands
    ) {
        self.host = host
        self.port = port
        self.address = address
        self.permitsInsecure = permitsInsecure
        self.reactor = reactor
        self.errands = errands
    }
}

/// What a plugin's rendezvous knows of a connection that it brought, for openings of the same plugin: they find it in
/// ``OpeningRequest/meeting`` and know its type. The core does not look into it.
public protocol Meeting: Sendable {}

/// A connection between two ends that just met.
public struct Arrival: Sendable {
    /// A connected, non-blocking stream socket. Nothing of what the other end's core says has been read from it.
    public var connection: Descriptor
    /// What the plugin's own openings want to know of it.
    public var meeting: (any Meeting)?
    /// The user at the other end, where the kernel says so although it is a connection over a network: both ends are on
    /// one host. A listener that permits nothing insecure then refuses others than its own user.
    public var userID: UInt32?

    /// A connection.
    public init(_ connection: Descriptor, meeting: (any Meeting)? = nil, userID: UInt32? = nil) {
        self.connection = connection
        self.meeting = meeting
        self.userID = userID
    }
}

/// A bound address at which connections come in.
public protocol Doorway: AnyObject, Sendable {
    /// The address in words, with what the kernel chose: `tcp:127.0.0.1:34567`.
    var address: String { get }

    /// Begins to take connections.
    /// - Parameters:
    ///   - arrived: Takes each, on the reactor's thread.
    ///   - troubled: Hears why one could not be taken. The next may be, all the same.
    func open(
        _ arrived: @escaping @Sendable (Arrival) -> Void, troubled: @escaping @Sendable (NaruError) -> Void
    ) throws(NaruError)

    /// Takes no more, frees the address, and drops what had come and was not given. Idempotent.
    func close()
}

/// What came of an attempt to reach a listener.
public enum DialOutcome: Sendable {
    /// Connected.
    case arrived(Arrival)
    /// Nobody listens there now, for this reason; it will be tried again until the dial's deadline.
    case nobody(String)
    /// It is of no use to try again.
    case refused(NaruError)
}

/// An attempt under way.
public protocol DialAttempt: AnyObject, Sendable {
    /// Gives it up and releases what it holds. Idempotent; harmless once it has ended.
    func cancel()
}
