// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#if Zstd
    public import NaruCore

    /// Compresses each message by itself with the system's zstd library.
    ///
    /// A message becomes one standard zstd frame that states its content's size and a checksum of it (4 bytes, about 3 %
    /// of the time on records of 4 KiB), so that a damaged message is refused and never given as another. No message
    /// refers to another, so any may be lost or dropped.
    public struct ZstdCodec: Codec {
        /// Makes the codec.
        public init() {}

        /// `zstd`.
        public var name: String { "zstd" }

        /// 1 to 19. Not the library's negative levels, which hardly compress, nor 20 to 22, whose windows ask the
        /// receiver for hundreds of megabytes.
        public var levels: ClosedRange<Int> { 1...19 }

        /// 1: JSON-like records of 4 KiB become 4.5 times smaller in 13 µs; levels 2 to 4 take longer and save nothing,
        /// level 6 takes six times as long for 4.7.
        public var defaultLevel: Int { 1 }

        /// Makes an encoder with working memory of its own, which grows with the level and the largest message: at level
        /// 1 about 75 KiB for messages of 4 KiB, 300 KiB for 64 KiB.
        /// - Throws: ``NaruError/Code/invalidArgument`` for a level outside ``levels``,
        ///   ``NaruError/Code/resourceExhausted`` without memory.
        public func makeEncoder(level: Int) throws(NaruError) -> any MessageEncoder {
            guard levels.contains(level) else {
                throw NaruError(
                    .invalidArgument, operation: "compress", object: "zstd",
                    reason: "the level must be in the range \(levels.lowerBound)...\(levels.upperBound) (is \(level))")
            }
            return try ZstdEncoder(level: level)
        }

        /// Makes a decoder with working memory of its own, about 95 KiB whatever the messages.
        /// - Throws: ``NaruError/Code/resourceExhausted`` without memory.
        public func makeDecoder() throws(NaruError) -> any MessageDecoder {
            try ZstdDecoder()
        }
    }
#endif
