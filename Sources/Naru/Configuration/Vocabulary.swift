// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The words that a build knows: what a name in a configuration is compared with.
struct Vocabulary: Sendable {
    let transports: [String]
    let properties: [String]
    let codecs: [String: ClosedRange<Int>]

    init(records: [CapabilityRecord], codecs: [String: any Codec]) {
        transports = Self.merged(TransportName.known.map(\.rawValue), records.map(\.transport.rawValue))
        properties = Self.merged(
            Property.known.map(\.rawValue), records.flatMap { $0.properties.map(\.rawValue) })
        self.codecs = codecs.mapValues(\.levels)
    }

    private static func merged(_ known: [String], _ more: [String]) -> [String] {
        more.reduce(into: known) { if !$0.contains($1) { $0.append($1) } }
    }
}

/// The nearest of some words to one that is not among them.
enum Nearest {
    /// The candidate that takes the fewest insertions, deletions and replacements of bytes, whatever the case of the
    /// letters; the first of several. `nil` only where there are no candidates.
    static func to(_ word: String, among candidates: [String]) -> String? {
        let word = Array(word.lowercased().utf8.prefix(256))
        var nearest: (candidate: String, distance: Int)?
        for candidate in candidates {
            let limit = nearest?.distance ?? Int.max
            guard let distance = distance(word, Array(candidate.lowercased().utf8), below: limit) else { continue }
            nearest = (candidate, distance)
        }
        return nearest?.candidate
    }

    /// The distance, where it is below the limit. Looks no further once it cannot be, since an unknown variable has
    /// hundreds of candidates.
    /// - Complexity: O(`a.count` · `b.count`).
    static func distance(_ a: [UInt8], _ b: [UInt8], below limit: Int = .max) -> Int? {
        guard abs(a.count - b.count) < limit else { return nil }
        var row = Array(0...b.count)
        for (i, letter) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            var least = i + 1
            for (j, other) in b.enumerated() {
                let replaced = diagonal + (letter == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
                least = min(least, row[j + 1])
            }
            guard least < limit else { return nil }
        }
        return row[b.count] < limit ? row[b.count] : nil
    }
}
