// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The quantised costs of one request: what the dialer sends with its proposal, so that the listener recomputes the
/// decision from exactly the same numbers.
public struct CostQuote: Codable, Sendable, Hashable {
    /// Where the numbers come from, as ``CostTable/Source`` describes itself.
    public var source: String
    /// The quantised nanoseconds of each transport that either end has.
    public var nanoseconds: [TransportName: Int]
    /// The transports for which ``Cost/unmeasured`` was assumed, sorted.
    public var unmeasured: [TransportName]

    /// Makes a quote.
    public init(source: String, nanoseconds: [TransportName: Int], unmeasured: [TransportName] = []) {
        self.source = source
        self.nanoseconds = nanoseconds
        self.unmeasured = unmeasured
    }

    /// The quoted cost; the greatest there is for a transport that was not quoted.
    public func nanoseconds(of transport: TransportName) -> Int {
        max(0, min(nanoseconds[transport] ?? Cost.maximumNanoseconds, Cost.maximumNanoseconds))
    }

    /// Returns the quote when every value is within bounds: the check to make on a peer's quote before using it.
    ///
    /// - Throws: ``RecordProblem`` naming the first field that is out of bounds.
    public func validated() throws(RecordProblem) -> CostQuote {
        try Bounds.text(source, "source")
        try Bounds.names(nanoseconds.keys.sorted().map(\.rawValue), "nanoseconds")
        try Bounds.names(unmeasured.map(\.rawValue), "unmeasured")
        for (transport, value) in nanoseconds.sorted(by: { $0.key < $1.key }) {
            try Bounds.check(
                value >= 0 && value <= Cost.maximumNanoseconds, "nanoseconds.\(transport)",
                "must be from 0 to \(Cost.maximumNanoseconds) (is \(value))")
        }
        return self
    }
}
