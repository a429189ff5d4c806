// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import NaruCore

@Suite struct CompressionTests {
    @Test(arguments: ["auto", "off", "zstd", "zstd:3", "zstd:-1"])
    func whatParsesPrintsTheSame(_ text: String) {
        #expect(Compression(text)?.description == text)
    }

    @Test(arguments: ["", "zstd:", "zstd:x", "zstd:1:2", "Z", ":3", "9"])
    func othersDoNotParse(_ text: String) {
        #expect(Compression(text) == nil)
    }

    @Test func offWinsThenForced() {
        #expect(Compression.settle(dialer: .forced("zstd"), listener: .off) == nil)
        #expect(Compression.settle(dialer: .off, listener: .forced("zstd")) == nil)
        #expect(Compression.settle(dialer: .auto, listener: .auto) == nil)
        #expect(Compression.settle(dialer: .auto, listener: .forced("zstd")) == .forced("zstd"))
        #expect(
            Compression.settle(dialer: .forced("zstd", level: 1), listener: .forced("zstd", level: 9))
                == .forced("zstd", level: 1))
    }
}
