// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore

/// How every line went for one transport.
public struct ConformanceReport: Sendable, CustomStringConvertible {
    /// One line and how it went.
    public struct Row: Sendable {
        /// The line.
        public let line: ConformanceLine
        /// What came of it.
        public let result: Result<ConformanceOutcome, ConformanceFailure>

        /// Whether the transport kept the sentence.
        public var isPassed: Bool { if case .success(.passed) = result { true } else { false } }
        /// Why the line does not concern the transport; `nil` where it does.
        public var reasonInapplicable: String? {
            if case .success(.inapplicable(let reason)) = result { reason } else { nil }
        }
        /// What went wrong; `nil` where nothing did.
        public var failure: ConformanceFailure? {
            if case .failure(let failure) = result { failure } else { nil }
        }
    }

    /// The transport.
    public let transport: TransportName
    /// Every line, in order.
    public let rows: [Row]

    /// How many lines passed.
    public var passed: Int { rows.count { $0.isPassed } }
    /// How many lines do not apply.
    public var inapplicable: Int { rows.count { $0.reasonInapplicable != nil } }
    /// What failed.
    public var failures: [ConformanceFailure] { rows.compactMap(\.failure) }

    /// A table: line, outcome, reason; then the counts.
    public var description: String {
        let width = rows.map(\.line.id.count).max() ?? 0
        var text = "\(transport)\n"
        for row in rows {
            let name = row.line.id + String(repeating: " ", count: width - row.line.id.count)
            switch row.result {
            case .success(.passed): text += "  \(name)  passed\n"
            case .success(.inapplicable(let reason)): text += "  \(name)  inapplicable  \(reason)\n"
            case .failure(let failure): text += "  \(name)  FAILED        \(failure.message)\n"
            }
        }
        return text + "\(passed) passed, \(inapplicable) inapplicable, \(failures.count) failed, of \(rows.count) lines"
    }
}
