// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore

/// One thing that a transport must do, as a sentence of its contract and a test of it.
public struct ConformanceLine: Sendable, Identifiable, CustomStringConvertible {
    /// Which part of the contract a line belongs to.
    public enum Battery: String, Sendable, CaseIterable {
        /// What the plugin says of itself, how it opens, and its lanes, used directly.
        case lane
        /// What a user of links gets, with only this transport in the runtime and both ends in one process.
        case link
    }

    /// The line's name, stable: `lane.commit.visible`.
    public let id: String
    /// The battery it belongs to.
    public let battery: Battery
    /// The sentence of the contract.
    public let contract: String

    /// Whether the line counts what the process holds, so that no other may run meanwhile.
    let isAlone: Bool
    let body: @Sendable (Subject) async throws -> ConformanceOutcome

    /// The line's name.
    public var description: String { id }

    /// A line whose body may block: it gets a thread of its own.
    static func lane(
        _ id: String, alone: Bool = false, _ contract: String,
        _ body: @escaping @Sendable (Subject) throws -> ConformanceOutcome
    ) -> ConformanceLine {
        ConformanceLine(id: id, battery: .lane, contract: contract, isAlone: alone) { subject in
            try await Worker.run { try body(subject) }
        }
    }

    /// A line that suspends.
    static func link(
        _ id: String, alone: Bool = false, _ contract: String,
        _ body: @escaping @Sendable (Subject) async throws -> ConformanceOutcome
    ) -> ConformanceLine {
        ConformanceLine(id: id, battery: .link, contract: contract, isAlone: alone, body: body)
    }
}

/// How a line went that did not fail.
public enum ConformanceOutcome: Sendable, Hashable, CustomStringConvertible {
    /// The transport keeps the sentence.
    case passed
    /// The sentence does not concern the transport.
    case inapplicable(reason: String)

    /// One word, and the reason where there is one.
    public var description: String {
        switch self {
        case .passed: "passed"
        case .inapplicable(let reason): "inapplicable: \(reason)"
        }
    }
}

/// A transport that breaks its contract.
public struct ConformanceFailure: Error, Sendable, CustomStringConvertible {
    /// The name of the line that failed.
    public let line: String
    /// The sentence that it tests.
    public let contract: String
    /// The mechanism that failed it.
    public let transport: String
    /// What was seen.
    public let message: String

    init(line: String, contract: String, mechanism: String, message: String) {
        self.line = line
        self.contract = contract
        transport = mechanism
        self.message = message
    }

    init(line: ConformanceLine, transport: String, message: String) {
        self.init(line: line.id, contract: line.contract, mechanism: transport, message: message)
    }

    /// Transport, line, what was seen, and the sentence that it breaks.
    public var description: String {
        "\(transport) fails \(line): \(message). The contract: \(contract)"
    }
}

/// What a line tests.
struct Subject: Sendable {
    let transport: any Transport
    let record: CapabilityRecord
    /// How the ends of the line's links come to an agreement.
    var way = AgreementKind.negotiated
    /// How long a line that uses lanes directly waits for what must come.
    let patience: Duration
}
