// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What each transport costs on a host, by wait mode and objective.
public struct CostTable: Codable, Sendable, Hashable {
    /// Where the numbers come from.
    public enum Source: Sendable, Hashable, Codable, CustomStringConvertible {
        /// The defaults in the library.
        case shipped
        /// Measured on the host with this fingerprint.
        case calibrated(fingerprint: String)

        /// `shipped`, or `calibrated:` and the fingerprint.
        public var description: String {
            switch self {
            case .shipped: "shipped"
            case .calibrated(let fingerprint): "calibrated:\(fingerprint)"
            }
        }

        /// Reads the form of ``description``.
        public init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            let word = try container.decode(String.self)
            let prefix = "calibrated:"
            if word == "shipped" {
                self = .shipped
            } else if word.hasPrefix(prefix) {
                self = .calibrated(fingerprint: String(word.dropFirst(prefix.count)))
            } else {
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "the source of costs is shipped or calibrated:FINGERPRINT")
            }
        }

        /// Writes ``description``.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(description)
        }
    }

    /// Where the numbers come from.
    public var source: Source
    /// The cost of each transport in each wait mode for each objective.
    public var entries: [TransportName: [WaitMode: [Objective: Cost]]]

    /// Makes a table.
    public init(source: Source, entries: [TransportName: [WaitMode: [Objective: Cost]]] = [:]) {
        self.source = source
        self.entries = entries
    }

    /// The cost of exactly this case, or `nil` where the table has none.
    public subscript(transport: TransportName, wait: WaitMode, objective: Objective) -> Cost? {
        get { entries[transport]?[wait]?[objective] }
        set { entries[transport, default: [:]][wait, default: [:]][objective] = newValue }
    }

    /// The cost of this case, or of the nearest that the table has: another wait mode first, then the other
    /// objective. `nil` where the table has nothing of the transport.
    public func cost(of transport: TransportName, wait: WaitMode, objective: Objective) -> Cost? {
        let modes: [WaitMode] = [wait, .balanced, .power, .latency]
        let objectives: [Objective] = [objective, objective == .latency ? .throughput : .latency]
        for objective in objectives {
            for mode in modes {
                if let cost = self[transport, mode, objective] { return cost }
            }
        }
        return nil
    }

    /// This table, with the cases it lacks taken from `other`; the source stays this one's.
    public func filled(from other: CostTable) -> CostTable {
        var result = self
        for (transport, modes) in other.entries {
            for (mode, objectives) in modes {
                for (objective, cost) in objectives where self[transport, mode, objective] == nil {
                    result[transport, mode, objective] = cost
                }
            }
        }
        return result
    }

    /// Returns the table when its numbers are finite and not negative: the check to make on a file's table.
    ///
    /// - Throws: ``RecordProblem`` naming the first entry that is out of bounds.
    public func validated() throws(RecordProblem) -> CostTable {
        try Bounds.count(entries.count, "entries")
        for (transport, modes) in entries.sorted(by: { $0.key < $1.key }) {
            try Bounds.name(transport.rawValue, "entries")
            for mode in WaitMode.allCases {
                for objective in Objective.allCases {
                    guard let cost = modes[mode]?[objective] else { continue }
                    let numbers = [cost.base, cost.perByte, cost.perReceiver, cost.perReceiverByte]
                    try Bounds.check(
                        numbers.allSatisfy { $0.isFinite && $0 >= 0 }, "entries.\(transport).\(mode).\(objective)",
                        "must hold finite numbers that are not negative")
                }
            }
        }
        return self
    }
}
