// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

extension Decision: CustomStringConvertible {
    /// A table of all candidates for people, then the remedies and notices, each on its line.
    public var description: String {
        let header = ["", "transport", "verdict", "cost", "reason"]
        let rows = candidates.map { candidate in
            [
                candidate.rank.map(String.init) ?? "-", Wording.shown(candidate.transport.rawValue),
                candidate.verdict.rawValue, candidate.costNanoseconds.map(Wording.time) ?? "-", candidate.reason,
            ]
        }
        let widths = (0..<4).map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        var lines = [subject]
        for row in [header] + rows {
            let cells = (0..<4).map { Wording.padded(row[$0], to: widths[$0], right: $0 == 0 || $0 == 3) }
            lines.append((cells + [row[4]]).joined(separator: "  "))
        }
        lines += candidates.compactMap { candidate in
            candidate.remedy.map { "to lift \(Wording.shown(candidate.transport.rawValue)): \($0)" }
        }
        lines += notices.map { "note: \($0)" }
        return lines.joined(separator: "\n")
    }

    /// The request in one line.
    private var subject: String {
        var words = ["\(request.direction) \(relation.locality)"]
        if request.direction != .signal { words.append(Wording.size(request.pricedBytes)) }
        words += ["optimised for \(request.optimize)", "wait \(request.wait)"]
        if request.reachedReceivers > 1 { words.append("\(request.reachedReceivers) receivers") }
        if !request.must.isEmpty { words.append("must \(Wording.list(request.must))") }
        if !request.prefer.isEmpty { words.append("prefer \(Wording.list(request.prefer))") }
        words.append("costs \(costSource)")
        return words.joined(separator: ", ")
    }
}
