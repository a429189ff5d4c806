// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import Testing

@testable import NaruNamedPipe

/// Every line of the public kit, against this plugin.
@Suite(.serialized, .timeLimit(.minutes(2))) struct NamedPipeConformanceTests {
    @Test(arguments: Conformance.lines) func line(_ line: ConformanceLine) async throws {
        try await Conformance.check(line, of: NamedPipeTransport())
    }
}
