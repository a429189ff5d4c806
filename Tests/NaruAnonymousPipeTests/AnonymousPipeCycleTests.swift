// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruSystem
import Testing

import NaruAnonymousPipe

/// Opens and closes links for as long as one likes: `make cycles` does it ten thousand times.
@Suite(.enabled(if: HostInformation.environment("KIT_CYCLES") != nil, "for make cycles"))
struct AnonymousPipeCycleTests {
    @Test func nothingStays() async throws {
        let line = try #require(Conformance.line("link.cycles"))
        #expect(try await Conformance.check(line, of: AnonymousPipeTransport()) == .passed)
    }
}
