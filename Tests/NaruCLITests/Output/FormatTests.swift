// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import NaruCLI

@Suite struct FormatTests {
    @Test(arguments: [
        (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (65_536, "64.0 KiB"), (1_048_524, "1023.9 KiB"),
        (1_048_575, "1.0 MiB"), (1_610_612_736, "1.5 GiB"), (UInt64.max, "16.0 EiB"),
    ])
    func `bytes have the unit that reads best`(count: UInt64, text: String) {
        #expect(Format.bytes(count) == text)
    }

    @Test(arguments: [
        (12_345_678, 1.0, "12.3 MB/s"), (1_234_567_890, 1.0, "1235 MB/s"), (0, 1.0, "0.0 MB/s"), (5, 0.0, "- MB/s"),
        (99_960_000, 1.0, "100 MB/s"),
    ])
    func `a rate is in millions of bytes a second`(bytes: UInt64, seconds: Double, text: String) {
        #expect(Format.rate(bytes, seconds: seconds) == text)
    }

    @Test func `one thing has no plural`() {
        #expect(Format.count(1, "message") == "1 message")
        #expect(Format.count(0, "message") == "0 messages")
    }

    @Test func `decimals are rounded and filled`() {
        #expect(Format.decimal(1.0049, digits: 3) == "1.005")
        #expect(Format.decimal(1.05, digits: 3) == "1.050")
        #expect(Format.decimal(-1, digits: 1) == "0.0")
        #expect(Format.decimal(.infinity, digits: 1) == "many")
    }
}
