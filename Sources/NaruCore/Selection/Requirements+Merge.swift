// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Two requests that contradict each other.
public struct MergeProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The field in which they do.
    public let field: String
    /// What the dialer asked for.
    public let dialer: String
    /// What the listener asked for.
    public let listener: String

    /// Names the field and both values.
    public init(field: String, dialer: String, listener: String) {
        self.field = field
        self.dialer = dialer
        self.listener = listener
    }

    /// One sentence with both values.
    public var description: String {
        "the ends contradict each other in \(field): the dialer asks for \(dialer), the listener for \(listener)"
    }
}

extension Requirements {
    /// The one request that honours both ends.
    ///
    /// `must` and `deny` are united, `transports` intersected, the largest message is the smaller of the two;
    /// objective, wait mode and typical message are the dialer's; `prefer` is united, the dialer's first. The
    /// receivers are the greater number, and an overflow policy other than `block` prevails over `block`.
    ///
    /// - Throws: ``MergeProblem`` where the directions differ, no transport is permitted by both, or both ask for
    ///   different overflow policies other than `block`.
    public static func merge(
        dialer: Requirements, listener: Requirements
    ) throws(MergeProblem) -> Requirements {
        guard dialer.direction == listener.direction else {
            throw MergeProblem(
                field: "direction", dialer: dialer.direction.rawValue, listener: listener.direction.rawValue)
        }
        return Requirements(
            transports: try intersection(dialer.transports, listener.transports),
            deny: union(dialer.deny, listener.deny),
            must: union(dialer.must, listener.must),
            prefer: union(dialer.prefer, listener.prefer),
            direction: dialer.direction,
            optimize: dialer.optimize,
            wait: dialer.wait,
            messageBytes: dialer.messageBytes,
            maximumMessageBytes: min(dialer.maximumMessageBytes, listener.maximumMessageBytes),
            receivers: max(dialer.receivers, listener.receivers),
            overflow: try overflow(dialer.overflow, listener.overflow))
    }

    /// Both lists without repetitions, the dialer's first.
    private static func union<Element: Hashable>(_ dialer: [Element], _ listener: [Element]) -> [Element] {
        var seen = Set<Element>()
        return (dialer + listener).filter { seen.insert($0).inserted }
    }

    /// What both permit, in the dialer's order; `nil` permits all.
    private static func intersection(
        _ dialer: [TransportName]?, _ listener: [TransportName]?
    ) throws(MergeProblem) -> [TransportName]? {
        guard let dialer, let listener else { return dialer ?? listener }
        let common = dialer.filter(listener.contains)
        guard !common.isEmpty else {
            throw MergeProblem(
                field: "transports", dialer: Wording.list(dialer), listener: Wording.list(listener))
        }
        return common
    }

    /// The policy that is not `block`, where one is.
    private static func overflow(
        _ dialer: OverflowPolicy, _ listener: OverflowPolicy
    ) throws(MergeProblem) -> OverflowPolicy {
        if dialer == listener || listener == .block { return dialer }
        if dialer == .block { return listener }
        throw MergeProblem(field: "overflow", dialer: dialer.rawValue, listener: listener.rawValue)
    }
}
