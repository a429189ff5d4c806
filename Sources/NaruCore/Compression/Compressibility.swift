// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Guesses from a few bytes whether a message can be compressed at all, before a codec's history is touched.
///
/// An encoder with history cannot take a message back: what it has seen must be sent as it came out. Trying a message
/// to see whether it helps is therefore no way to decide; and what is encrypted or compressed already would push what
/// is worth remembering out of the window. So up to 512 bytes are looked at first: how many pairs of them are equal.
/// Random bytes are equal once in 256 pairs, text and numbers ten times as often.
///
/// Wrong guesses cost little: random bytes taken for others are sent compressed with a few bytes more; random bytes
/// that repeat earlier random bytes travel raw.
enum Compressibility {
    private static let runs = 8, runBytes = 64

    /// Whether it is worth trying.
    /// - Complexity: O(1): at most 512 bytes are read.
    static func isLikely(_ bytes: RawSpan) -> Bool {
        var counts = InlineArray<256, UInt16>(repeating: 0)
        var equal = 0
        var sampled = 0
        if bytes.byteCount <= runs * runBytes {
            sampled = bytes.byteCount
            count(bytes, 0..<sampled, &counts, &equal)
        } else {
            sampled = runs * runBytes
            let step = (bytes.byteCount - runBytes) / (runs - 1)
            for run in 0..<runs { count(bytes, run * step..<run * step + runBytes, &counts, &equal) }
        }
        // Half as many again as random bytes have, and a few, because few bytes scatter.
        let pairs = sampled * (sampled - 1) / 2
        return equal > pairs * 3 / 512 + 8
    }

    @inline(__always)
    private static func count(
        _ bytes: RawSpan, _ range: Range<Int>, _ counts: inout InlineArray<256, UInt16>, _ equal: inout Int
    ) {
        for offset in range {
            // In bounds: the ranges end at the byte count at the latest.
            let byte = Int(unsafe bytes.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self))
            let earlier = counts[byte]
            equal &+= Int(earlier)
            counts[byte] = earlier &+ 1
        }
    }
}
