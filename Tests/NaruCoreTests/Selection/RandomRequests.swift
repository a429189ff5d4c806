// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore

/// A small generator whose sequence depends on the seed alone (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func chance(_ one: Int, in all: Int) -> Bool { Int.random(in: 0..<all, using: &self) < one }

    mutating func some<Element>(of elements: [Element], chance one: Int, in all: Int) -> [Element] {
        elements.filter { _ in chance(one, in: all) }
    }

    mutating func one<Element>(of elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &self)]
    }
}

extension SeededGenerator {
    private static let properties = Property.known + [Property("from-the-future")]
    private static let names = TransportName.known + [TransportName("carrier-pigeon"), TransportName("zebra")]

    /// A record of any shape, often far from any real one.
    mutating func record(of transport: TransportName) -> CapabilityRecord {
        CapabilityRecord(
            version: Int.random(in: 1...3, using: &self),
            transport: transport,
            localities: some(of: Locality.allCases, chance: 4, in: 5).shuffled(using: &self),
            directions: some(of: Direction.allCases, chance: 4, in: 5).shuffled(using: &self),
            properties: some(of: Self.properties, chance: 1, in: 2).shuffled(using: &self),
            agreements: some(of: AgreementKind.allCases, chance: 9, in: 10),
            maximumRecordBytes: chance(1, in: 3) ? Int.random(in: 1...20_000, using: &self) : nil,
            maximumMessageBytes: chance(1, in: 4) ? Int.random(in: 1...200_000_000, using: &self) : nil,
            loans: one(of: LoanKind.allCases),
            survivesSenderDeath: Bool.random(using: &self),
            sealed: Bool.random(using: &self),
            waitModes: some(of: WaitMode.allCases, chance: 4, in: 5),
            overflow: some(of: OverflowPolicy.allCases, chance: 9, in: 10),
            requiresSameUser: chance(1, in: 4),
            sharedNamespaces: some(of: ["ipc", "mnt", "net"], chance: 1, in: 6),
            availability: chance(9, in: 10) ? .available : .refused(reason: "EACCES", remedy: "mount it"))
    }

    /// Several records of each transport.
    mutating func pool() -> [[CapabilityRecord]] {
        Self.names.map { name in (0..<12).map { _ in record(of: name) } }
    }

    /// Records of several transports in any order; the ends of a pair differ as versions and builds do.
    mutating func pair(from pool: [[CapabilityRecord]]) -> (dialer: [CapabilityRecord], listener: [CapabilityRecord]) {
        var dialer: [CapabilityRecord] = []
        var listener: [CapabilityRecord] = []
        for records in some(of: pool, chance: 1, in: 4) {
            let record = one(of: records)
            if chance(9, in: 10) { dialer.append(record) }
            if chance(9, in: 10) { listener.append(chance(3, in: 4) ? record : one(of: records)) }
        }
        return (dialer.shuffled(using: &self), listener.shuffled(using: &self))
    }

    mutating func request() -> Requirements {
        Requirements(
            transports: chance(1, in: 6) ? some(of: Self.names, chance: 2, in: 3) : nil,
            deny: some(of: Self.names, chance: 1, in: 12),
            must: some(of: Self.properties, chance: 1, in: 12),
            prefer: some(of: Self.properties, chance: 1, in: 4).shuffled(using: &self),
            direction: one(of: Direction.allCases),
            optimize: one(of: Objective.allCases),
            wait: one(of: WaitMode.allCases),
            messageBytes: Int.random(in: 0...100_000, using: &self),
            maximumMessageBytes: chance(1, in: 2) ? 67_108_864 : Int.random(in: 1...1_000_000, using: &self),
            receivers: Int.random(in: 1...16, using: &self),
            overflow: chance(4, in: 5) ? .block : one(of: OverflowPolicy.allCases))
    }

    mutating func relation() -> Relation {
        Relation(
            locality: one(of: Locality.allCases), sameUser: chance(4, in: 5),
            sharedNamespaces: some(of: ["ipc", "mnt", "net"], chance: 4, in: 5).shuffled(using: &self))
    }

    /// The shipped costs, each stretched by its own factor: another host's calibration.
    mutating func costs() -> CostTable {
        var table = CostTable.shipped
        table.source = .calibrated(fingerprint: "random")
        for name in TransportName.known {
            let factor = Double.random(in: 0.2...5, using: &self)
            for wait in WaitMode.allCases {
                for objective in Objective.allCases {
                    guard var cost = table[name, wait, objective] else { continue }
                    cost.base *= factor
                    cost.perByte *= factor
                    table[name, wait, objective] = cost
                }
            }
        }
        return table
    }
}
