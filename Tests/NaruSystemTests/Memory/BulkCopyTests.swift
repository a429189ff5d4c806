// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// Copies of every size around the steps of its loops, so many that both ways and their trials have a turn.
struct BulkCopyTests {
    private static let margin = 64

    /// Copies `source` through `bulk` between two margins, and returns everything.
    private func copied(_ source: [UInt8], by bulk: BulkCopy) -> [UInt8] {
        var target = [UInt8](repeating: 0xEE, count: source.count + 2 * Self.margin)
        unsafe source.withUnsafeBytes { from in
            unsafe target.withUnsafeMutableBytes { to in
                // The margins are as large on both sides.
                unsafe bulk.copy(
                    from.baseAddress.unsafelyUnwrapped, to: to.baseAddress.unsafelyUnwrapped + Self.margin,
                    count: source.count)
            }
        }
        return target
    }

    @Test("Every byte is copied, and none beside them", arguments: [1, 63, 1_023, 1_024, 1_025, 4_096, 32_768, 32_769])
    func copiesWhatItShould(first: Int) {
        let bulk = BulkCopy()
        let margin = [UInt8](repeating: 0xEE, count: Self.margin)
        var wrong = 0
        for round in 0..<1_500 {
            let source = (0..<first + round % 130).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ round) }
            if copied(source, by: bulk) != margin + source + margin { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test("Trials follow each other, and copy as well as what lies between them")
    func trialsCopyToo() {
        let bulk = BulkCopy()
        let margin = [UInt8](repeating: 0xEE, count: Self.margin)
        var wrong = 0
        // Three trials and what lies between them.
        for round in 0..<26_000 {
            let source = [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: 2_048)
            if copied(source, by: bulk) != margin + source + margin { wrong += 1 }
        }
        #expect(wrong == 0)
    }
}
