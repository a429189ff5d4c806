// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import Testing

@testable import NaruTCP

/// Every line of the public kit, against this plugin.
@Suite(.serialized, .timeLimit(.minutes(5))) struct TCPConformanceTests {
    @Test(arguments: Conformance.lines) func line(_ line: ConformanceLine) async throws {
        try await Conformance.check(line, of: TCPTransport())
    }
}
