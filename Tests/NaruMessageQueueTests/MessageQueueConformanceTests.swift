// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruCore
import Testing

@testable import NaruMessageQueue

/// Every line of the public kit, against both plugins.
@Suite(.serialized, .timeLimit(.minutes(5))) struct MessageQueueConformanceTests {
    @Test(arguments: Conformance.lines) func posixAttached(_ line: ConformanceLine) async throws {
        try await Conformance.check(line, of: PosixQueueTransport(.small), way: .attached)
    }

    @Test(arguments: Conformance.lines) func posixNegotiated(_ line: ConformanceLine) async throws {
        try await Conformance.check(line, of: PosixQueueTransport(.tiny), way: .negotiated)
    }

    @Test(arguments: Conformance.lines) func sysvNegotiated(_ line: ConformanceLine) async throws {
        try await Conformance.check(line, of: SysvQueueTransport(.tiny), way: .negotiated)
    }

    @Test(arguments: Conformance.lines) func sysvAttached(_ line: ConformanceLine) async throws {
        try await Conformance.check(line, of: SysvQueueTransport(.small), way: .attached)
    }
}

extension MessageQueueConfiguration {
    /// Queues so small that those of many tests at once fit the user's memory for them, 800 KiB.
    static let small = MessageQueueConfiguration(depth: 8, messageBytes: 4096)
    /// So small that a hundred links fit it.
    static let tiny = MessageQueueConfiguration(depth: 4, messageBytes: 1024)
}
