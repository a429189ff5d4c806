// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#if Zstd
    /// Kinds of test data.
    enum Content: CaseIterable, Sendable {
        case random, json, zeros

        /// `count` bytes, the same for the same seed.
        func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
            var generator = Generator(seed: seed)
            switch self {
            case .zeros:
                return [UInt8](repeating: 0, count: count)
            case .random:
                return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            case .json:
                var bytes: [UInt8] = []
                bytes.reserveCapacity(count + 128)
                while bytes.count < count {
                    let value = generator.next()
                    let name = "sensor-\(value >> 20 % 50)"
                    let record = #"{"id":\#(value % 100_000),"name":"\#(name)","value":\#(value >> 40),"ok":true},"#
                    bytes += Array(record.utf8)
                }
                return Array(bytes.prefix(count))
            }
        }
    }

    /// A small generator with a seed (SplitMix64).
    struct Generator: RandomNumberGenerator {
        private var state: UInt64

        init(seed: UInt64) { state = seed }

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }
    }
#endif
