// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import NaruCLI

@Suite struct ProgressBarTests {
    @Test func `the line shows part, amount and rate`() {
        #expect(
            ProgressBar.line(done: 512 << 20, total: 1 << 30, seconds: 1)
                == "[############------------]  50%  512.0 MiB  537 MB/s")
        #expect(
            ProgressBar.line(done: 0, total: 100, seconds: 1) == "[------------------------]   0%  0 B  0.0 MB/s")
    }

    @Test func `a file that grew is not more than whole`() {
        #expect(
            ProgressBar.line(done: 200, total: 100, seconds: 1)
                == "[########################] 100%  200 B  0.0 MB/s")
    }

    @Test(arguments: [nil, 0])
    func `without a total there is no bar`(total: Int?) {
        #expect(ProgressBar.line(done: 1024, total: total, seconds: 0) == "1.0 KiB  - MB/s")
    }
}
