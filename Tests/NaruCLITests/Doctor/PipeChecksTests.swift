// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@testable import NaruCLI

/// What `naru doctor` says of limits on pipes.
@Suite struct PipeChecksTests {
    @Test func aUsualHostIsFitAndSaysForHowManyPipes() {
        let finding = PipeChecks.finding(PipeLimits(pipeBytes: 1 << 20, softPages: 16_384, hardPages: 0))
        #expect(finding.status == .ok)
        #expect(finding.detail.contains("1.0 MiB each (fs.pipe-max-size)"))
        let pipes = 16_384 / (262_144 / HostInformation.pageBytes)
        #expect(finding.detail.contains("16384 pages for all of a user's (fs.pipe-user-pages-soft): \(pipes) of"))
        #expect(!finding.detail.contains("hard"))
    }

    @Test func limitsThatAreSetAreNamed() {
        let open = PipeChecks.finding(PipeLimits(pipeBytes: 1 << 20, softPages: 0, hardPages: 0))
        #expect(open.status == .ok)
        #expect(open.detail.hasSuffix("no limit on a user's"))
        let closed = PipeChecks.finding(PipeLimits(pipeBytes: 1 << 20, softPages: 0, hardPages: 64))
        #expect(closed.detail.hasSuffix("none beyond 64 pages (fs.pipe-user-pages-hard)"))
    }

    @Test func whatIsTooSmallOrHiddenHasARemedy() {
        let small = PipeChecks.finding(PipeLimits(pipeBytes: 4_096, softPages: 16_384, hardPages: 0))
        #expect(small.status == .warning)
        #expect(small.remedy == "raise fs.pipe-max-size")
        let hidden = PipeChecks.finding(PipeLimits(softPages: 16_384, hardPages: 0))
        #expect(hidden.status == .warning)
        #expect(hidden.remedy == "mount /proc")
    }
}
