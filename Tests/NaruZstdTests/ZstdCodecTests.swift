// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#if Zstd
    import NaruCore
    import NaruZstd
    import Testing

    @Suite struct ZstdCodecTests {
        static let sizes = [
            0, 1, 2, 7, 63, 64, 65, 127, 128, 1000, 4095, 4096, 4097, 65_535, 131_072, 131_073, 1 << 20,
        ]

        @Test func itSaysWhatItIs() throws {
            let codec = ZstdCodec()
            #expect(codec.name == "zstd")
            #expect(codec.levels == 1...19)
            #expect(codec.levels.contains(codec.defaultLevel))
        }

        @Test(arguments: [Int.min, -5, 0, 20, 22, Int.max])
        func aLevelOutOfRangeIsRefused(level: Int) {
            #expect(code { _ = try ZstdCodec().makeEncoder(level: level) } == .invalidArgument)
        }

        @Test(arguments: Content.allCases, sizes)
        func roundTrips(content: Content, byteCount: Int) throws {
            let bytes = content.bytes(byteCount, seed: UInt64(byteCount))
            let frame = try #require(try ZstdCodec().encoder().frame(bytes))
            #expect(try ZstdCodec().makeDecoder().message(frame, byteCount) == bytes)
        }

        @Test(arguments: 1...19)
        func everyLevelRoundTrips(level: Int) throws {
            let bytes = Content.json.bytes(20_000, seed: 1)
            let frame = try #require(try ZstdCodec().makeEncoder(level: level).frame(bytes))
            #expect(frame.count < bytes.count / 2)
            #expect(try ZstdCodec().makeDecoder().message(frame, bytes.count) == bytes)
        }

        @Test func whatDoesNotFitIsNil() throws {
            let encoder = try ZstdCodec().encoder()
            let random = Content.random.bytes(4096, seed: 1)
            #expect(try encoder.frame(random, capacity: 4096) == nil)
            #expect(try encoder.frame(random, capacity: 0) == nil)
            let json = Content.json.bytes(4096, seed: 1)
            let frame = try #require(try encoder.frame(json, capacity: 4096))
            #expect(try encoder.frame(json, capacity: frame.count - 1) == nil)
            // The context goes on after a refusal.
            #expect(try encoder.frame(json, capacity: frame.count + 64) == frame)
            #expect(try ZstdCodec().makeDecoder().message(frame, json.count) == json)
        }

        @Test func contextsAreReused() throws {
            let encoder = try ZstdCodec().encoder()
            let decoder = try ZstdCodec().makeDecoder()
            var wrong = 0
            for index in 0..<10_000 {
                let content = Content.allCases[index % Content.allCases.count]
                let bytes = content.bytes((index &* 7919) % 700, seed: UInt64(index))
                guard let frame = try encoder.frame(bytes) else {
                    wrong += 1
                    continue
                }
                if try decoder.message(frame, bytes.count) != bytes { wrong += 1 }
            }
            #expect(wrong == 0)
        }
    }
#endif
