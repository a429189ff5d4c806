// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

extension Cost {
    /// One measurement: the median nanoseconds of a message of one size to one receiver.
    public struct Sample: Codable, Sendable, Hashable {
        /// The size of the message in bytes.
        public var size: Int
        /// The nanoseconds it took.
        public var nanoseconds: Double

        /// Makes a sample.
        public init(size: Int, nanoseconds: Double) {
            self.size = size
            self.nanoseconds = nanoseconds
        }
    }

    /// The base and cost a byte that fit measurements with one receiver best.
    ///
    /// Minimises the squares of the *relative* errors, so that small messages count as much as large ones, and never
    /// returns a negative number. Samples that are not positive and finite are left out.
    ///
    /// - Returns: `nil` where fewer than two sizes were measured.
    /// - Complexity: O(n) in the number of samples.
    public static func fitted(to samples: [Sample]) -> Cost? {
        let usable = samples.filter { $0.size >= 0 && $0.nanoseconds.isFinite && $0.nanoseconds > 0 }
        guard Set(usable.map(\.size)).count >= 2 else { return nil }
        // With weights 1/t² the sums below are those of u = 1/t and v = size/t against a target of 1.
        var uu = 0.0
        var uv = 0.0
        var vv = 0.0
        var u1 = 0.0
        var v1 = 0.0
        for sample in usable {
            let u = 1 / sample.nanoseconds
            let v = Double(sample.size) / sample.nanoseconds
            uu += u * u
            uv += u * v
            vv += v * v
            u1 += u
            v1 += v
        }
        let determinant = uu * vv - uv * uv
        guard determinant > 0, determinant.isFinite else { return nil }
        let base = (u1 * vv - v1 * uv) / determinant
        let perByte = (v1 * uu - u1 * uv) / determinant
        // Where the free optimum is outside, the constrained one lies on the bound that was crossed.
        if base < 0 { return Cost(base: 0, perByte: v1 / vv) }
        if perByte < 0 { return Cost(base: u1 / uu, perByte: 0) }
        return Cost(base: base, perByte: perByte)
    }
}
