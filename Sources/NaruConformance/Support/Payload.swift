// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore

/// Bytes that tell which message they are, so that loss, repetition, mixing and reordering are all seen.
enum Payload {
    /// Random bytes, the same in each run.
    private static let table: [UInt8] = {
        var random = SplitMix(seed: 42)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(tableBytes)
        while bytes.count < tableBytes {
            let word = random.next()
            for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * shift))) }
        }
        return bytes
    }()

    private static let tableBytes = 1 << 16
    /// Messages begin at so many places of the table: a prime, so that neighbours begin far from each other.
    private static let places = 8191

    /// The bytes of message `index`: the index as far as it fits, then a part of the table that the index chooses.
    static func bytes(_ index: Int, _ byteCount: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        for shift in 0..<min(byteCount, 8) { bytes.append(UInt8(truncatingIfNeeded: index >> (8 * shift))) }
        var place = (index &* 4093 & 0xff_ffff) % places
        while bytes.count < byteCount {
            let part = min(byteCount - bytes.count, tableBytes - place)
            bytes.append(contentsOf: table[place..<place + part])
            place = 1
        }
        return bytes
    }

    /// Whether borrowed bytes are those of message `index`.
    static func matches(_ bytes: RawSpan, _ index: Int, _ byteCount: Int) -> Bool {
        bytes.byteCount == byteCount && equal(bytes, Self.bytes(index, byteCount))
    }

    /// Whether borrowed bytes are these.
    static func equal(_ bytes: RawSpan, _ expected: [UInt8]) -> Bool {
        guard bytes.byteCount == expected.count else { return false }
        return unsafe bytes.withUnsafeBytes { found in
            unsafe expected.withUnsafeBytes { expected in
                // In bounds: whole words below the count that both have, then the rest.
                var offset = 0
                while offset + 8 <= expected.count {
                    let (one, other) = unsafe (
                        found.loadUnaligned(fromByteOffset: offset, as: UInt64.self),
                        expected.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                    )
                    if one != other { return false }
                    offset += 8
                }
                while offset < expected.count {
                    if unsafe found[offset] != expected[offset] { return false }
                    offset += 1
                }
                return true
            }
        }
    }

    /// `byteCount` equal bytes, which a codec makes small.
    static func plain(_ index: Int, _ byteCount: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: byteCount)
    }
}

/// A generator whose numbers are the same in each run, so that a failure comes again.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
