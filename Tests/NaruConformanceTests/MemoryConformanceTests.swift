// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruCore
import Testing

/// The kit's own transports keep the contract, every line of it.
@Suite(.timeLimit(.minutes(3))) struct MemoryConformanceTests {
    @Test(arguments: Conformance.lines) func synchronous(_ line: ConformanceLine) async throws {
        try await Conformance.check(line, of: MemoryTransport(.synchronous))
    }

    @Test(arguments: Conformance.lines) func asynchronous(_ line: ConformanceLine) async throws {
        try await Conformance.check(line, of: MemoryTransport(.asynchronous))
    }

    @Test(arguments: Conformance.lines) func slow(_ line: ConformanceLine) async throws {
        try await Conformance.check(line, of: MemoryTransport(.slow))
    }
}
