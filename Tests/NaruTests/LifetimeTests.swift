// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Logging
import Naru
import NaruSystem
import Testing

/// Endpoints keep what they need: a program may forget its `Naru` as soon as it has its endpoints.
@Suite(.timeLimit(.minutes(1))) struct LifetimeTests {
    private func directories() throws -> RuntimeDirectories {
        let path = "/tmp/naru-life-\(String(SystemRandom.word(), radix: 36))"
        try FileSystem.makeDirectory(path, permissions: 0o700)
        return RuntimeDirectories([path])
    }

    @Test func endpointsOutliveTheirNaru() async throws {
        let place = try directories()
        defer { try? FileSystem.removeDirectory(place.paths[0]) }
        func runtime() throws -> Runtime {
            try Runtime(transports: Naru.transports, directories: place, logger: Logger(label: "test"))
        }
        let address = try Address(parsing: "life")
        let receiving = Task {
            let receiver = try await runtime().receiver(address)
            var count = 0
            // Waits for longer than anything else holds the runtime.
            try await receiver.forEach { _ in count += 1 }
            receiver.close()
            return count
        }
        let sender = try await runtime().sender(address)
        #expect(throws: Never.self) { try sender.trySend(unsafe [UInt8](repeating: 1, count: 8).span.bytes) }
        try await sender.send([2])
        try await sender.finish()
        #expect(try await receiving.value == 2)
        sender.close()
    }
}
