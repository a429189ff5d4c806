// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What one end asks of a link; both ends' are merged before the selector runs.
///
/// `must` and the two policy lists filter; `prefer` only weighs.
public struct Requirements: Sendable, Hashable {
    /// The largest message of a link that does not say otherwise: 64 MiB.
    public static let defaultMaximumMessageBytes = 67_108_864
    /// The typical message of a link that does not say otherwise: 4 KiB.
    public static let defaultMessageBytes = 4096

    /// The only transports permitted; `nil` permits all.
    public var transports: [TransportName]?
    /// Transports never used.
    public var deny: [TransportName]
    /// Properties without which a transport is refused.
    public var must: [Property]
    /// Properties each of which makes a transport count as a fifth cheaper.
    public var prefer: [Property]
    /// The shape of the traffic.
    public var direction: Direction
    /// What the link is optimised for.
    public var optimize: Objective
    /// How the ends wait.
    public var wait: WaitMode
    /// The size of a typical message in bytes, for which costs are compared.
    public var messageBytes: Int
    /// The size of the largest message in bytes that must pass.
    public var maximumMessageBytes: Int
    /// The number of receivers of a broadcast; of no effect on other directions.
    public var receivers: Int
    /// What happens to messages for a slow receiver.
    public var overflow: OverflowPolicy

    /// Makes a request; every default is the configuration's.
    public init(
        transports: [TransportName]? = nil, deny: [TransportName] = [], must: [Property] = [],
        prefer: [Property] = [], direction: Direction = .simplex, optimize: Objective = .latency,
        wait: WaitMode = .balanced, messageBytes: Int = Requirements.defaultMessageBytes,
        maximumMessageBytes: Int = Requirements.defaultMaximumMessageBytes, receivers: Int = 1,
        overflow: OverflowPolicy = .block
    ) {
        self.transports = transports
        self.deny = deny
        self.must = must
        self.prefer = prefer
        self.direction = direction
        self.optimize = optimize
        self.wait = wait
        self.messageBytes = messageBytes
        self.maximumMessageBytes = maximumMessageBytes
        self.receivers = receivers
        self.overflow = overflow
    }

    /// The receivers that each message reaches: those of a broadcast, otherwise one.
    var reachedReceivers: Int {
        direction == .broadcast ? max(receivers, 1) : 1
    }

    /// How the ends of such a link come to an agreement. What must outlive them, what is sorted while nobody takes it,
    /// and what many ends share without one of them being the first, is held by its medium.
    public var agreement: AgreementKind {
        let held: [Property] = [.persistent, .priority, .selective, .replay]
        let isHeld = direction == .queue || direction == .signal || must.contains(where: held.contains)
        return isHeld ? .attached : .negotiated
    }

    /// The message size that costs are compared for: the typical one, within the link's limit; 0 for a signal.
    var pricedBytes: Int {
        direction == .signal ? 0 : max(0, min(messageBytes, maximumMessageBytes))
    }

    /// Returns the request when every value is within bounds: the check to make on a peer's request before using it.
    ///
    /// - Throws: ``RecordProblem`` naming the first field that is out of bounds.
    public func validated() throws(RecordProblem) -> Requirements {
        if let transports { try Bounds.names(transports.map(\.rawValue), "transports") }
        try Bounds.names(deny.map(\.rawValue), "deny")
        try Bounds.names(must.map(\.rawValue), "must")
        try Bounds.names(prefer.map(\.rawValue), "prefer")
        try Bounds.size(messageBytes, "messageBytes", from: 0)
        try Bounds.size(maximumMessageBytes, "maximumMessageBytes")
        try Bounds.check(
            receivers >= 1 && receivers <= 1_000_000, "receivers", "must be from 1 to 1000000 (is \(receivers))")
        return self
    }
}

extension Requirements: Codable {
    private enum Key: String, CodingKey {
        case transports, deny, must, prefer, direction, optimize, wait, messageBytes, maximumMessageBytes, receivers
        case overflow
    }

    /// Reads a request: unknown fields are skipped, absent ones take their defaults. An unknown direction, objective,
    /// wait mode or overflow policy is an error, since the request could not be honoured.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let defaults = Requirements()
        self.init(
            transports: try container.decodeIfPresent([TransportName].self, forKey: .transports),
            deny: try container.decodeIfPresent([TransportName].self, forKey: .deny) ?? [],
            must: try container.decodeIfPresent([Property].self, forKey: .must) ?? [],
            prefer: try container.decodeIfPresent([Property].self, forKey: .prefer) ?? [],
            direction: try container.decodeIfPresent(Direction.self, forKey: .direction) ?? defaults.direction,
            optimize: try container.decodeIfPresent(Objective.self, forKey: .optimize) ?? defaults.optimize,
            wait: try container.decodeIfPresent(WaitMode.self, forKey: .wait) ?? defaults.wait,
            messageBytes: try container.decodeIfPresent(Int.self, forKey: .messageBytes) ?? defaults.messageBytes,
            maximumMessageBytes: try container.decodeIfPresent(Int.self, forKey: .maximumMessageBytes)
                ?? defaults.maximumMessageBytes,
            receivers: try container.decodeIfPresent(Int.self, forKey: .receivers) ?? defaults.receivers,
            overflow: try container.decodeIfPresent(OverflowPolicy.self, forKey: .overflow) ?? defaults.overflow)
    }

    /// Writes every field; `transports` is left out where all are permitted.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encodeIfPresent(transports, forKey: .transports)
        try container.encode(deny, forKey: .deny)
        try container.encode(must, forKey: .must)
        try container.encode(prefer, forKey: .prefer)
        try container.encode(direction, forKey: .direction)
        try container.encode(optimize, forKey: .optimize)
        try container.encode(wait, forKey: .wait)
        try container.encode(messageBytes, forKey: .messageBytes)
        try container.encode(maximumMessageBytes, forKey: .maximumMessageBytes)
        try container.encode(receivers, forKey: .receivers)
        try container.encode(overflow, forKey: .overflow)
    }
}
