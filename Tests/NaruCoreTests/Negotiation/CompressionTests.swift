// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import FoundationEssentials
import Testing

@testable import NaruCore

@Suite struct CompressionTests {
    @Test(arguments: ["auto", "off", "zstd", "zstd:3", "zstd:-1", "zstd:per-message", "zstd:3:per-message"])
    func whatParsesPrintsTheSame(_ text: String) {
        #expect(Compression(text)?.description == text)
    }

    @Test(arguments: [
        "", "zstd:", "zstd:x", "zstd:1:2", "Z", ":3", "9", "per-message", ":per-message", "zstd:per-message:3",
        "zstd:3:per",
    ])
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

    @Test func historyNeedsBothEnds() {
        let (with, without) = (Compression.forced("zstd"), Compression.forced("zstd", history: false))
        #expect(Compression.settle(dialer: with, listener: .auto)?.history == true)
        #expect(Compression.settle(dialer: .auto, listener: with)?.history == true)
        #expect(Compression.settle(dialer: with, listener: without)?.history == false)
        #expect(Compression.settle(dialer: without, listener: with)?.history == false)
        #expect(Compression.settle(dialer: without, listener: .auto)?.history == false)
    }

    @Test func anOlderReleasesWishPermitsHistory() throws {
        let text = Data(#"{"mode":"forced","codec":"zstd","level":3,"later":[1]}"#.utf8)
        #expect(try JSONDecoder().decode(Compression.self, from: text) == .forced("zstd", level: 3))
        for compression in [Compression.auto, .off, .forced("zstd", level: 2), .forced("zstd", history: false)] {
            let data = try JSONEncoder().encode(compression)
            #expect(try JSONDecoder().decode(Compression.self, from: data) == compression)
        }
        // What an older release would not understand is written only where it says something.
        let written = String(decoding: try JSONEncoder().encode(Compression.forced("zstd")), as: UTF8.self)
        #expect(!written.contains("history"))
    }
}
