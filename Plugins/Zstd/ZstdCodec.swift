// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#if Zstd
    public import NaruCore

    /// Compresses with the system's zstd library, each message by itself or with the history of those before it.
    ///
    /// *By itself*, a message becomes one standard zstd frame that states its content's size and a checksum of it (4
    /// bytes, about 3 % of the time on records of 4 KiB), so that a damaged message is refused and never given as
    /// another. No message refers to another, so any may be lost or dropped.
    ///
    /// *With history*, the messages of a lane are one zstd frame that never ends, flushed after each. It has a window
    /// of ``historyWindowBytes``, and no checksum: a lane that keeps history is reliable.
    public struct ZstdCodec: HistoryCodec {
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

        /// 1 KiB: below, the frame's own bytes and tables leave little (64 bytes become 77), and take as long.
        public var minimumMessageBytes: Int { 1024 }

        /// 64: JSON-like records of 64 bytes become 2.1 times smaller, of 1 KiB 4.3 times.
        public var minimumHistoryMessageBytes: Int { 64 }

        /// How far back a message can refer: 256 KiB, which stays in a core's second-level cache, at every level. A
        /// quarter of it costs messages of 64 KiB and more 8 %, four times as much saves less than 1 %. Part of the
        /// protocol: a decoder refuses more.
        public static var historyWindowBytes: Int { 1 << ZstdHistory.windowLog }

        /// Makes an encoder with working memory of its own, which grows with the level and the largest message: at
        /// level 1 about 75 KiB for messages of 4 KiB, 300 KiB for 64 KiB.
        /// - Throws: ``NaruError/Code/invalidArgument`` for a level outside ``levels``,
        ///   ``NaruError/Code/resourceExhausted`` without memory.
        public func makeEncoder(level: Int) throws(NaruError) -> any MessageEncoder {
            try check(level)
            return try ZstdEncoder(level: level)
        }

        /// Makes a decoder with working memory of its own, about 95 KiB whatever the messages.
        /// - Throws: ``NaruError/Code/resourceExhausted`` without memory.
        public func makeDecoder() throws(NaruError) -> any MessageDecoder {
            try ZstdDecoder()
        }

        /// Makes an encoder with working memory of its own, whatever the messages: 1.1 MiB at level 1, 4 to 5 MiB from
        /// level 5 on; the library takes it with the first message.
        /// - Throws: ``NaruError/Code/invalidArgument`` for a level outside ``levels``,
        ///   ``NaruError/Code/resourceExhausted`` without memory.
        public func makeHistoryEncoder(level: Int) throws(NaruError) -> any HistoryEncoder {
            try check(level)
            return try ZstdHistoryEncoder(level: level)
        }

        /// Makes a decoder with working memory of its own: 95 KiB, and 640 KiB more from the first message on, whatever
        /// a peer sends.
        /// - Throws: ``NaruError/Code/resourceExhausted`` without memory.
        public func makeHistoryDecoder() throws(NaruError) -> any HistoryDecoder {
            try ZstdHistoryDecoder()
        }

        private func check(_ level: Int) throws(NaruError) {
            guard levels.contains(level) else {
                throw NaruError(
                    .invalidArgument, operation: "compress", object: "zstd",
                    reason: "the level must be in the range \(levels.lowerBound)...\(levels.upperBound) (is \(level))")
            }
        }
    }
#endif
