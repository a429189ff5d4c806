// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#if Zstd
    import NaruCore
    import NaruZstd
    import Testing

    /// Messages with the history of those before them.
    @Suite struct ZstdHistoryTests {
        let encoder: any HistoryEncoder
        let decoder: any HistoryDecoder

        init() throws {
            encoder = try ZstdCodec().makeHistoryEncoder(level: 1)
            decoder = try ZstdCodec().makeHistoryDecoder()
        }

        @Test(arguments: [Int.min, 0, 20, Int.max]) func aLevelOutOfRangeIsRefused(level: Int) {
            #expect(code { _ = try ZstdCodec().makeHistoryEncoder(level: level) } == .invalidArgument)
        }

        /// Every size with every content, each after all the others.
        @Test(arguments: [1, 3, 12, 19]) func roundTrips(level: Int) throws {
            let encoder = try ZstdCodec().makeHistoryEncoder(level: level)
            var isFirst = true
            for content in Content.allCases {
                // The slow levels are not given the largest.
                for byteCount in ZstdCodecTests.sizes where byteCount > 0 && (level < 12 || byteCount < 100_000) {
                    let bytes = content.bytes(byteCount, seed: UInt64(byteCount))
                    let frame = try encoder.frame(bytes, startingAnew: isFirst)
                    #expect(try decoder.message(frame, byteCount, startingAnew: isFirst) == bytes)
                    isFirst = false
                }
            }
        }

        @Test func tenThousandMessagesOfRandomSizes() throws {
            var generator = Generator(seed: 21)
            var wrong = 0
            for index in 0..<10_000 {
                let content = Content.allCases[Int(generator.next() % 3)]
                let bytes = content.bytes(1 + Int(generator.next() % 700), seed: generator.next())
                // Now and then the history begins again, as after a message that was given up.
                let startsAnew = index == 0 || generator.next() % 500 == 0
                let frame = try encoder.frame(bytes, startingAnew: startsAnew)
                if try decoder.message(frame, bytes.count, startingAnew: startsAnew) != bytes { wrong += 1 }
            }
            #expect(wrong == 0)
        }

        @Test func messagesLargerThanTheWindow() throws {
            for (index, byteCount) in [3 << 20, 5, ZstdCodec.historyWindowBytes, 2_000_003].enumerated() {
                for content in Content.allCases {
                    let isFirst = index == 0 && content == Content.allCases.first
                    let bytes = content.bytes(byteCount, seed: 1)
                    let frame = try encoder.frame(bytes, startingAnew: isFirst)
                    #expect(try decoder.message(frame, byteCount, startingAnew: isFirst) == bytes)
                }
            }
        }

        @Test func randomBytesStayWithinTheBound() throws {
            // The bound holds, or the encoder throws; and it is a narrow one.
            for byteCount in [1, 64, 1000, 65_536, 131_072, 131_073, 1 << 20] {
                let bytes = Content.random.bytes(byteCount, seed: 5)
                let frame = try encoder.frame(bytes, startingAnew: byteCount == 1 || byteCount == 65_536)
                #expect(frame.count <= byteCount + byteCount / 1000 + 24)
                #expect(encoder.bound(byteCount) <= byteCount + byteCount / 128 + 128)
            }
        }

        @Test func anOutputThatIsTooSmallIsAnErrorAndAResetMendsIt() throws {
            let bytes = Content.json.bytes(4000, seed: 2)
            _ = try encoder.frame(bytes, startingAnew: true)
            let small = Guarded(byteCount: 10)
            let random = Content.random.bytes(4000, seed: 2)
            let thrown = code {
                _ = try unsafe encoder.encode(random.span.bytes, startingAnew: false, into: small.memory)
            }
            #expect(thrown == .invalidArgument)
            #expect(small.isIntact)
            let frame = try encoder.frame(bytes, startingAnew: true)
            #expect(try decoder.message(frame, bytes.count, startingAnew: true) == bytes)
        }

        @Test func aHistoryBeginsLikeTheFirst() throws {
            let bytes = Content.json.bytes(400, seed: 2)
            let first = try encoder.frame(bytes, startingAnew: true)
            let second = try encoder.frame(bytes)
            #expect(second.count < 40, "the same message again refers to the first")
            #expect(try encoder.frame(bytes, startingAnew: true) == first)
        }
    }

    /// A peer's bytes: each answer is a message or `corrupted`, and memory is bounded.
    @Suite struct ZstdHistoryDecoderTests {
        let decoder: any HistoryDecoder
        let messages: [[UInt8]]
        let frames: [[UInt8]]

        init() throws {
            decoder = try ZstdCodec().makeHistoryDecoder()
            let encoder = try ZstdCodec().makeHistoryEncoder(level: 1)
            messages = (0..<6).map { Content.json.bytes(300 + $0, seed: UInt64($0)) }
            frames = try messages.enumerated().map { try encoder.frame($1, startingAnew: $0 == 0) }
        }

        /// What a message gives after those before it.
        private func answer(_ frame: [UInt8], _ byteCount: Int, after count: Int = 0) throws -> NaruError.Code? {
            for index in 0..<count {
                _ = try decoder.message(frames[index], messages[index].count, startingAnew: index == 0)
            }
            return code { _ = try decoder.message(frame, byteCount, startingAnew: count == 0) }
        }

        @Test func everyTruncationIsCorrupted() throws {
            for (index, frame) in [(0, frames[0]), (2, frames[2])] {
                for count in 0..<frame.count {
                    #expect(try answer(Array(frame[..<count]), messages[index].count, after: index) == .corrupted)
                }
                #expect(try answer(frame, messages[index].count, after: index) == nil)
            }
        }

        @Test(arguments: [-300, -1, 1, 300, 1 << 20]) func aFalseDeclaredSizeIsCorrupted(_ difference: Int) throws {
            for index in [0, 3] {
                let declared = messages[index].count + difference
                #expect(try answer(frames[index], max(declared, 0), after: index) == .corrupted)
            }
        }

        @Test func messagesOutOfTurnAreCorruptedOrAnother() throws {
            // The first refers to nothing, so what comes without it finds no frame.
            #expect(try answer(frames[1], messages[1].count) == .corrupted)
            // One left out, one twice: there is no checksum to tell, but sizes are kept and nothing is read elsewhere.
            for index in [3, 1] {
                let thrown = try answer(frames[index], messages[index].count, after: 2)
                #expect(thrown == nil || thrown == .corrupted)
            }
        }

        @Test func whatFollowsAMessageIsCorrupted() throws {
            #expect(try answer(frames[0] + frames[1], messages[0].count) == .corrupted)
            #expect(try answer(frames[1] + frames[2], messages[1].count, after: 1) == .corrupted)
        }

        @Test func anEndOfTheHistoryIsCorrupted() throws {
            // A whole frame, as by itself; and the same blocks without a stated size.
            let frame = try #require(try ZstdCodec().encoder().frame(messages[0]))
            #expect(try answer(frame, messages[0].count) == .corrupted)
            #expect(try answer([0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x00, 0x09, 0x00, 0x00, 65], 1) == .corrupted)
            // An empty last block after a good message.
            #expect(try answer(frames[0] + [1, 0, 0], messages[0].count) == .corrupted)
            #expect(try answer([1, 0, 0], 0, after: 1) == .corrupted)
        }

        @Test func whatIsNoFrameIsCorrupted() throws {
            #expect(try answer([], 0) == .corrupted)
            #expect(try answer([], 0, after: 1) == .corrupted)
            #expect(try answer([0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4], 0) == .corrupted)
            // The magic numbers of the formats 0.1 to 0.7, which some builds of the library still decode.
            for magic in [0x1EB5_2FFD, 0xFD2F_B522, 0xFD2F_B523, 0xFD2F_B524, 0xFD2F_B525, 0xFD2F_B526, 0xFD2F_B527] {
                let bytes = (0..<4).map { UInt8(truncatingIfNeeded: magic >> ($0 * 8)) }
                #expect(try answer(bytes + [0, 0, 0, 0xC0, 0, 0], 0) == .corrupted)
            }
        }

        /// A frame whose window is `1 << log` bytes, and in it one block: a byte repeated four times.
        private func windowed(_ log: UInt8) -> [UInt8] {
            [0x28, 0xB5, 0x2F, 0xFD, 0x00, (log - 10) << 3, 0x22, 0x00, 0x00, 7]
        }

        @Test func aWindowAboveTheAgreedIsRefused() throws {
            #expect(try decoder.message(windowed(18), 4, startingAnew: true) == [7, 7, 7, 7])
            for log in [19, 20, 27, 31] as [UInt8] { #expect(try answer(windowed(log), 4) == .corrupted) }
            // A frame of one segment has a window of its content's size: 2^31 bytes here.
            #expect(try answer([0x28, 0xB5, 0x2F, 0xFD, 0xA0, 0, 0, 0, 0x80, 0x22, 0x00, 0x00, 7], 4) == .corrupted)
        }

        @Test func aBombIsCutAtTheDeclaredSize() throws {
            let encoder = try ZstdCodec().makeHistoryEncoder(level: 1)
            let bomb = try encoder.frame([UInt8](repeating: 0, count: 1 << 24), startingAnew: true)
            #expect(bomb.count < 4096)
            for declared in [0, 1, 4096, 131_072, 1 << 20] { #expect(try answer(bomb, declared) == .corrupted) }
            // A block that gives more than is declared, where all of the input is taken.
            #expect(try answer(windowed(18), 3) == .corrupted)
            #expect(try answer(windowed(18), 0) == .corrupted)
        }

        @Test(arguments: [0, 2]) func mutationsGiveAMessageOrCorrupted(_ index: Int) throws {
            var generator = Generator(seed: 29)
            for _ in 0..<3000 {
                for earlier in 0..<index {
                    _ = try decoder.message(frames[earlier], messages[earlier].count, startingAnew: earlier == 0)
                }
                var bytes = frames[index]
                for _ in 0...generator.next() % 3 {
                    bytes[Int(generator.next() % UInt64(bytes.count))] ^= UInt8(1) << UInt8(generator.next() % 8)
                }
                let size = messages[index].count
                let thrown = code { _ = try decoder.message(bytes, size, startingAnew: index == 0) }
                #expect(thrown == nil || thrown == .corrupted)
            }
            #expect(try answer(frames[index], messages[index].count, after: index) == nil)
        }

        @Test func randomBytesAreAMessageOrCorrupted() {
            var generator = Generator(seed: 31)
            for round in 0..<3000 {
                let tail = (0..<Int(generator.next() % 200)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
                let header: [UInt8] = round % 2 == 0 ? [] : [0x28, 0xB5, 0x2F, 0xFD]
                let size = Int(generator.next() % 300)
                let thrown = code { _ = try decoder.message(header + tail, size, startingAnew: true) }
                #expect(thrown == nil || thrown == .corrupted)
            }
        }
    }
#endif
