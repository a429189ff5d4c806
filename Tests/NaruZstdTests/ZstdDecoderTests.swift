// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

#if Zstd
    import NaruCore
    import NaruZstd
    import Testing

    /// A peer's bytes: each answer is the message or `corrupted`.
    @Suite struct ZstdDecoderTests {
        let message = Content.json.bytes(3000, seed: 9)
        let frame: [UInt8]
        let decoder: any MessageDecoder

        init() throws {
            frame = try #require(try ZstdCodec().encoder().frame(message))
            decoder = try ZstdCodec().makeDecoder()
        }

        private func answer(_ bytes: [UInt8], _ byteCount: Int) -> NaruError.Code? {
            code { _ = try decoder.message(bytes, byteCount) }
        }

        @Test func everyTruncationIsCorrupted() throws {
            for count in 0..<frame.count { #expect(answer(Array(frame[..<count]), message.count) == .corrupted) }
            #expect(try decoder.message(frame, message.count) == message)
        }

        @Test(arguments: [0, 1, 2999, 3001, 1 << 20])
        func aFalseDeclaredSizeIsCorrupted(declared: Int) {
            #expect(answer(frame, declared) == .corrupted)
        }

        @Test func trailingBytesAreCorrupted() {
            #expect(answer(frame + [0], message.count) == .corrupted)
            #expect(answer(frame + frame, message.count) == .corrupted)
            #expect(answer(frame + frame, 2 * message.count) == .corrupted)
            #expect(answer(frame + Self.skippable, message.count) == .corrupted)
            #expect(answer(Self.skippable + frame, message.count) == .corrupted)
        }

        @Test func whatIsNotAFrameIsCorrupted() {
            #expect(answer([], 0) == .corrupted)
            #expect(answer(Self.skippable, 0) == .corrupted)
            #expect(answer([UInt8](repeating: 0, count: 100), 100) == .corrupted)
            // The magic numbers of the formats 0.1 to 0.7, which some builds of the library still decode.
            for magic in [0x1EB5_2FFD, 0xFD2F_B522, 0xFD2F_B523, 0xFD2F_B524, 0xFD2F_B525, 0xFD2F_B526, 0xFD2F_B527] {
                let bytes = (0..<4).map { UInt8(truncatingIfNeeded: magic >> ($0 * 8)) }
                #expect(answer(bytes + [0, 0, 0, 0xC0, 0, 0], 0) == .corrupted)
            }
        }

        @Test func aFrameWithoutAContentSizeIsCorrupted() {
            // Window of 1 KiB, no content size; one raw last block with the byte 65.
            let bytes: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x00, 0x09, 0x00, 0x00, 65]
            #expect(answer(bytes, 1) == .corrupted)
        }

        @Test func aBombIsRefusedBeforeItIsDecoded() throws {
            let zeros = [UInt8](repeating: 0, count: 1 << 24)
            let bomb = try #require(try ZstdCodec().encoder().frame(zeros))
            #expect(bomb.count < 4096)
            #expect(answer(bomb, 4096) == .corrupted)
            // One that claims to be small: a content size of 16 before the same blocks.
            var liar: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x20, 16]
            // One last block: the byte 0 repeated 131,072 times.
            liar += [0x03, 0x00, 0x10, 0]
            #expect(answer(liar, 16) == .corrupted)
            // One that claims 2^63 bytes.
            let huge: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0xE0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x03, 0x00, 0x10, 0]
            #expect(answer(huge, 1 << 20) == .corrupted)
        }

        @Test func aHugeWindowAllocatesNothing() throws {
            // Not a single segment: a window of 2^31 bytes and more is declared for a content of 4.
            let bytes: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x80, 0xA8, 4, 0, 0, 0, 0x23, 0x00, 0x00, 7]
            #expect(try decoder.message(bytes, 4) == [7, 7, 7, 7])
        }

        @Test(arguments: Content.allCases)
        func mutationsGiveTheMessageOrCorrupted(content: Content) throws {
            let message = content.bytes(2000, seed: 4)
            let frame = try #require(try ZstdCodec().encoder().frame(message))
            var generator = Generator(seed: 17)
            for _ in 0..<2000 {
                var bytes = frame
                for _ in 0...generator.next() % 3 {
                    let index = Int(generator.next() % UInt64(bytes.count))
                    bytes[index] ^= UInt8(1) << UInt8(generator.next() % 8)
                }
                if generator.next() % 8 == 0 { bytes.removeLast(Int(generator.next() % UInt64(bytes.count))) }
                let output = Guarded(byteCount: message.count)
                do {
                    try output.decode(bytes, decoder)
                    // Only a bit without a meaning was changed.
                    #expect(output.bytes == message)
                } catch {
                    #expect(error.code == .corrupted)
                }
                #expect(output.isIntact)
            }
            #expect(try decoder.message(frame, message.count) == message)
        }

        @Test func randomBytesAreCorrupted() {
            var generator = Generator(seed: 3)
            for _ in 0..<2000 {
                let count = Int(generator.next() % 200)
                let tail = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
                #expect(answer(tail, 64) == .corrupted)
                let output = Guarded(byteCount: 64)
                let magic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
                let thrown = code { try output.decode(magic + tail, decoder) }
                #expect(thrown == nil || thrown == .corrupted)
                #expect(output.isIntact)
            }
        }

        @Test func theErrorTellsTheLibrarysReason() throws {
            var bytes = frame
            // A reserved block type.
            bytes[bytes.startIndex + 7] |= 0b110
            let error = #expect(throws: NaruError.self) { _ = try decoder.message(bytes, message.count) }
            #expect(error?.reason.isEmpty == false)
            #expect(error?.description.hasPrefix("decompress zstd message: ") == true)
        }

        /// A frame that decoders pass over: 4 bytes of anything.
        private static let skippable: [UInt8] = [0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]
    }
#endif
