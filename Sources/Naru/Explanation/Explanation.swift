// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What would carry a link and why: a decision without a peer, with the source of every value it rests on.
public struct Explanation: Sendable {
    /// The values and their sources.
    public let settings: LinkSettings
    /// The selector's answer.
    public let decision: Decision
    /// All candidates: the decision's, then the transports of the design that this build does not have.
    public let candidates: [Candidate]
    /// What is wrong with the configuration without being an error.
    public let warnings: [String]

    init(settings: LinkSettings, decision: Decision, warnings: [String]) {
        self.settings = settings
        self.decision = decision
        self.warnings = warnings
        let listed = Set(decision.candidates.map(\.transport))
        candidates = decision.candidates + TransportName.known.filter { !listed.contains($0) }.map(Self.missing)
    }

    /// The link's name; `nil` for the defaults alone.
    public var link: String? { settings.name }
    /// The request that was decided.
    public var request: LinkRequest { settings.request }
    /// Each key's value and source.
    public var sources: [String: SourcedValue] { settings.sources }

    /// The candidates that this build does not have and the request does not name.
    var missing: [Candidate] { Array(candidates.dropFirst(decision.candidates.count)) }

    private static func missing(_ transport: TransportName) -> Candidate {
        Candidate(
            transport: transport, verdict: .refused, reason: "not in this build",
            remedy: "add a plugin that provides it")
    }
}

extension Explanation: CustomStringConvertible {
    /// For people: the values with their sources in columns, the decision's table, and what to be told.
    public var description: String {
        var lines = [link.map { "link \($0)" } ?? "no link: the defaults"]
        let rows = LinkKey.allCases.compactMap { key in
            sources[key.rawValue].map { (key.rawValue, $0.value.description, $0.source) }
        }
        let keyWidth = rows.map(\.0.count).max() ?? 0
        let valueWidth = rows.map(\.1.count).max() ?? 0
        for (key, value, source) in rows {
            lines.append("  \(Self.padded(key, keyWidth))  \(Self.padded(value, valueWidth))  \(source)")
        }
        lines += ["", decision.description]
        if !missing.isEmpty {
            lines.append("not in this build: " + missing.map(\.transport.rawValue).joined(separator: ", "))
        }
        lines += warnings.map { "warning: \($0)" }
        return lines.joined(separator: "\n")
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
