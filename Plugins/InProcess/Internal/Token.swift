// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// 128 random bits; 16 bytes in an opening's message, least significant first.
struct Token: Hashable, Sendable {
    private var low: UInt64
    private var high: UInt64

    /// A new token.
    static func random() -> Token {
        var generator = SystemRandomNumberGenerator()
        return Token(low: generator.next(), high: generator.next())
    }

    private init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// A token from the bytes of a message; `nil` unless there are 16.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        low = bytes[..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        high = bytes[8...].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The token's bytes.
    var bytes: [UInt8] {
        [low, high].flatMap { half in (0..<8).map { UInt8(truncatingIfNeeded: half >> ($0 * 8)) } }
    }
}
