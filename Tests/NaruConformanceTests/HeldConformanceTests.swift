// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import Testing

/// The kit's own transport whose medium holds the agreement passes the kit.
@Suite(.serialized, .timeLimit(.minutes(2))) struct HeldConformanceTests {
    @Test(arguments: Conformance.lines) func line(_ line: ConformanceLine) async throws {
        try await Conformance.check(line, of: HeldTransport())
    }
}
