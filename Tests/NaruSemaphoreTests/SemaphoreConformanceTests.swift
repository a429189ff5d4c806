// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruSemaphore
import Testing

/// Every line of the public kit for mechanisms that synchronise, against each of this plugin's.
@Suite(.serialized, .timeLimit(.minutes(3))) struct SemaphoreConformanceTests {
    @Test(arguments: Conformance.signalLines) func `System V`(_ line: SignalConformanceLine) async throws {
        try await Conformance.check(line, of: SemaphoreMechanism())
    }

    @Test(arguments: Conformance.signalLines) func `POSIX`(_ line: SignalConformanceLine) async throws {
        try await Conformance.check(line, of: PosixSemaphoreMechanism())
    }

    @Test(arguments: Conformance.signalLines) func `without a name`(_ line: SignalConformanceLine) async throws {
        try await Conformance.check(line, of: AnonymousSemaphoreMechanism())
    }
}
