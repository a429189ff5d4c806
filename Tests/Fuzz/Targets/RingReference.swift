// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore

/// Reads rings as the layout describes them, in the plainest way.
struct RingReference {
    /// The rings' contents, each larger than the one before; the number of the n-th is n.
    let rings: [[UInt8]]

    /// What a reader is given.
    struct Answer: Equatable {
        var records: [LaneRecord] = []
        /// The next word is no record.
        var isViolated = false
    }

    /// Reads up to `maximum` records from a position of the first ring on.
    func read(from start: Int, _ maximum: Int) -> Answer {
        var answer = Answer()
        var (number, position, followsPadding) = (0, start, false)
        while answer.records.count < maximum {
            let ring = rings[number]
            let offset = position % ring.count
            let word = Self.number(ring[offset..<offset + 8])
            if word == 0 { return answer }
            let byteCount = Int(word & 0xffff_ffff) - 1
            let (kind, flags, extensionBytes) = (word >> 32 & 0xff, word >> 40 & 0xff, Int(word >> 48))
            let isBare = flags == 0 && extensionBytes == 0
            let rest = ring.count - offset - 8
            if kind == 7 {
                // To the ring's end, where the largest record does not fit, or below a cache line; never behind
                // another.
                let fits = byteCount == rest ? rest + 8 < Self.size(ring.count / 4) : byteCount < 64 && byteCount < rest
                guard isBare, byteCount >= 0, byteCount % 8 == 0, fits, !followsPadding else {
                    answer.isViolated = true
                    return answer
                }
                position += 8 + byteCount
                followsPadding = true
                continue
            }
            followsPadding = false
            // Kind 4 refers to a slot, and there are none.
            guard byteCount >= 0, byteCount <= ring.count / 4, Self.size(byteCount) <= rest + 8, (1...6).contains(kind),
                kind != 4
            else {
                answer.isViolated = true
                return answer
            }
            if kind == 5 {
                guard isBare, byteCount == 8, number + 1 < rings.count,
                    Self.number(ring[offset + 8..<offset + 16]) == UInt64(number + 1)
                else {
                    answer.isViolated = true
                    return answer
                }
                (number, position) = (number + 1, 0)
                continue
            }
            guard extensionBytes <= byteCount else {
                answer.isViolated = true
                return answer
            }
            let header = RecordHeader(
                kind: .init(rawValue: UInt8(kind)), flags: .init(rawValue: UInt8(flags)),
                extensionByteCount: UInt16(extensionBytes))
            answer.records.append(LaneRecord(header: header, bytes: Array(ring[offset + 8..<offset + 8 + byteCount])))
            position += Self.size(byteCount)
        }
        return answer
    }

    /// What a record takes: from 1 KiB on a whole number of cache lines.
    private static func size(_ byteCount: Int) -> Int {
        byteCount < 1024 ? (byteCount + 15) / 8 * 8 : (byteCount + 71) / 64 * 64
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
