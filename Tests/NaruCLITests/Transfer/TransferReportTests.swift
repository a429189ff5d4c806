// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import NaruCLI

@Suite struct TransferReportTests {
    private let report = TransferReport(
        verb: "sent", transport: "shared-memory", locality: "same-host", direction: "simplex", codec: nil,
        reason: "fastest valid of 2: 9 µs for 65536 B", messages: 16, bytes: 1_048_576, wireBytes: 1_048_576,
        seconds: 0.01)

    @Test func `the JSON line is the documented one`() {
        #expect(
            report.json.line
                == #"{"transport":"shared-memory","locality":"same-host","direction":"simplex","messages":16,"#
                + #""bytes":1048576,"wireBytes":1048576,"seconds":0.01,"codec":null}"#)
    }

    @Test func `seconds have six decimals, and a codec its name`() {
        var report = report
        report.codec = "zstd"
        report.seconds = 1.234_567_89
        #expect(report.json.line.hasSuffix(#""seconds":1.234568,"codec":"zstd"}"#))
    }

    @Test func `the summary says how much, how fast, by what and why`() {
        #expect(
            report.summary
                == "sent 16 messages, 1.0 MiB in 0.010 s, 105 MB/s, by shared-memory: "
                + "fastest valid of 2: 9 µs for 65536 B")
        var compressed = report
        compressed.codec = "zstd"
        compressed.wireBytes = 1024
        compressed.codecSeconds = 0.004
        #expect(compressed.summary.contains("1.0 MiB (1.0 KiB on the wire with zstd) in 0.010 s"))
        #expect(compressed.summary.contains("105 MB/s, 1023.0 KiB saved in 0.004 s of codec, by shared-memory"))
    }
}
