// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Configuration
import Naru
import Testing

@testable import NaruCLI

@Suite struct ExaminationTests {
    @Test func `this host is examined, every line has a status, and JSON names every mechanism`() async throws {
        let folder = "/tmp/naru-cli-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        let naru = try await Naru(
            sources: ConfigurationSources(environment: ["NARU_RUNTIME_DIR": folder], workingDirectory: "/proc"))
        let examination = Examination(naru)
        await naru.shutdown()
        #expect(examination.works)
        #expect(examination.host.map(\.subject).contains("runtime directory"))
        for subject in ["memfd", "futex", "eventfd", "pidfd"] {
            #expect(examination.host.contains { $0.subject == subject && $0.status == .ok })
        }
        for transport in ["in-process", "shared-memory", "unix-socket"] {
            #expect(examination.text.contains(transport))
            #expect(examination.json.line.contains(#""transport":"\#(transport)""#))
        }
        #expect(examination.json.line.hasPrefix(#"{"works":true,"checks":["#))
    }

    @Test func `without a place to meet nothing works`() async throws {
        let naru = try await Naru(
            sources: ConfigurationSources(environment: ["NARU_RUNTIME_DIR": "/proc/naru"], workingDirectory: "/proc"))
        let examination = Examination(naru)
        await naru.shutdown()
        #expect(!examination.works)
        #expect(examination.text.hasSuffix("No link is possible here."))
    }
}
