// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import NaruCLI

@Suite struct ByteCountTests {
    @Test(arguments: [
        ("1", 1), ("4096", 4096), ("64KiB", 65_536), ("64kib", 65_536), ("1MiB", 1 << 20), ("2GiB", 2 << 30),
        ("12B", 12), ("1024GiB", 1 << 40),
    ])
    func `sizes are bytes, or have a binary unit`(text: String, bytes: Int) {
        #expect(ByteCount(argument: text)?.bytes == bytes)
    }

    @Test(arguments: [
        "", "0", "-1", "KiB", "1KB", "1K", "1.5MiB", "64 KiB", "1025GiB", "9223372036854775807GiB",
        "99999999999999999999", "١", "0x10", "1KiBx",
    ])
    func `anything else is refused`(text: String) {
        #expect(ByteCount(argument: text) == nil)
    }
}
