// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import NaruCore

@Suite struct MessageSizeTests {
    private func bytes(_ size: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: MessageSize.byteCount(of: size))
        unsafe bytes.withUnsafeMutableBytes { unsafe MessageSize.store(size, to: $0) }
        return bytes
    }

    private func load(_ bytes: [UInt8]) -> (size: UInt64, byteCount: Int)? {
        unsafe bytes.withUnsafeBytes { unsafe MessageSize.load($0) }
    }

    @Test(arguments: [0, 1, 127, 128, 16_383, 16_384, 1 << 20, 64 << 20, Int(UInt32.max), 1 << 61])
    func comesBack(_ size: Int) throws {
        let bytes = bytes(size)
        #expect(bytes.count <= MessageSize.maximumByteCount)
        let found = try #require(load(bytes + [1, 2, 3]))
        #expect(found.size == UInt64(size) && found.byteCount == bytes.count)
        for count in 0..<bytes.count { #expect(load(Array(bytes[..<count])) == nil) }
    }

    @Test func smallSizesTakeOneByte() {
        #expect(bytes(64) == [64])
        #expect(bytes(300) == [0xAC, 2])
    }

    @Test(
        arguments: [
            [], [0x80], [0x80, 0], [0xFF, 0x80, 0], [UInt8](repeating: 0xFF, count: 9),
            [UInt8](repeating: 0x80, count: 40),
        ] as [[UInt8]])
    func anotherFormIsNone(_ bytes: [UInt8]) {
        #expect(load(bytes) == nil)
    }
}

@Suite struct CompressibilityTests {
    private func isLikely(_ bytes: [UInt8]) -> Bool { Compressibility.isLikely(unsafe bytes.span.bytes) }

    private func random(_ count: Int, _ seed: UInt64) -> [UInt8] {
        var state = seed
        return (0..<count).map { _ in
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return UInt8(truncatingIfNeeded: mixed ^ mixed >> 31)
        }
    }

    @Test(arguments: [64, 65, 100, 256, 512, 513, 1000, 4096, 1 << 17]) func randomBytesAreNot(_ count: Int) {
        // A wrong guess is possible and harmless; there are few.
        #expect((0..<100).count { isLikely(random(count, UInt64($0) &* 977)) } < 3)
    }

    @Test(arguments: [64, 65, 100, 256, 512, 513, 1000, 4096, 1 << 17]) func whatCompressesIs(_ count: Int) {
        let text = Array(#"{"id":4711,"name":"sensor-17","value":0.8254,"unit":"celsius","ok":true},"#.utf8)
        #expect(isLikely((0..<count).map { text[$0 % text.count] }))
        #expect(isLikely([UInt8](repeating: 7, count: count)))
        // Numbers of 32 bits, of which the upper half hardly changes.
        let noise = random(count, 3)
        #expect(isLikely((0..<count).map { $0 % 4 < 2 ? noise[$0] : 0 }))
        // Base 64.
        #expect(isLikely(random(count, 9).map { 48 + $0 % 64 }))
    }

    @Test func nothingAndLittleAreNot() {
        #expect(!isLikely([]))
        #expect(!isLikely([1]))
        #expect(!isLikely([1, 1]))
    }
}
