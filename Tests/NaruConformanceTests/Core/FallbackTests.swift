// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruCore
import NaruSystem
import Testing

/// A candidate that fails to open is not an error of the link: the next is tried inside the same connect.
@Suite(.timeLimit(.minutes(1))) struct FallbackTests {
    /// Where the first candidate fails.
    struct Failure: Sendable, CustomTestStringConvertible {
        let role: Role
        let temper: MemoryTransport.Temper
        let step: Int

        var testDescription: String { "\(role), \(temper), step \(step)" }

        static let all = [Role.dialer, .listener].flatMap { role in
            [MemoryTransport.Temper.synchronous, .asynchronous].flatMap { temper in
                (0...(temper == .synchronous ? 3 : 4)).map { Failure(role: role, temper: temper, step: $0) }
            }
        }
    }

    @Test(arguments: Failure.all) func theNextCandidateCarriesTheLink(_ failure: Failure) async throws {
        let broken = ThrowingTransport(
            MemoryTransport(failure.temper, name: "alpha"), failing: failure.role, atStep: failure.step,
            with: .test("no room at the inn"))
        let pair = try RuntimePair([broken, MemoryTransport(name: "beta")])
        let link = try await pair.connect()
        for (role, decision) in [(Role.dialer, link.sender.decision), (.listener, link.receiver.decision)] {
            #expect(decision.chosen?.transport == "beta")
            let refused = try #require(decision.candidates.first { $0.transport == "alpha" })
            #expect(refused.verdict == .refused)
            #expect(refused.reason.contains("failed to open"))
            // The other end may have failed by itself, of what the failure left undone, before it was told.
            if role == failure.role { #expect(refused.reason.contains("no room at the inn")) }
        }
        #expect(link.sender.control.agreement.transport == "beta")
        try await expectWorks(link)
    }

    @Test(arguments: [Role.dialer, .listener]) func severalFailOneAfterTheOther(_ role: Role) async throws {
        let broken = ["alpha", "beta", "gamma"].map { name in
            ThrowingTransport(
                MemoryTransport(name: TransportName(name)), failing: role, atStep: 2, with: .test("\(name) fails"))
        }
        let pair = try RuntimePair(broken + [MemoryTransport(.asynchronous, name: "omega")])
        let link = try await pair.connect()
        #expect(link.sender.decision.chosen?.transport == "omega")
        for name in ["alpha", "beta", "gamma"] {
            let candidate = try #require(link.sender.decision.candidates.first { $0.transport.rawValue == name })
            #expect(candidate.reason.contains("\(name) fails"))
        }
        try await expectWorks(link)
    }

    @Test(arguments: [Role.dialer, .listener]) func whenAllFailEachReasonIsTold(_ role: Role) async throws {
        let broken = ["alpha", "beta"].map { name in
            ThrowingTransport(
                MemoryTransport(name: TransportName(name)), failing: role, atStep: 1, with: .test("\(name) fails"))
        }
        let pair = try RuntimePair(broken)
        let listener = try pair.listener.listener(pair.address)
        for _ in 0..<3 {
            let error = try #require(
                try await naruError { _ = try await pair.dialer.sender(pair.address, deadline: .after(.seconds(20))) })
            #expect(error.code == .noTransport)
            #expect(error.reason.contains("alpha fails"))
            #expect(error.reason.contains("beta fails"))
        }
        // The listener has lost nothing by it.
        let other = try RuntimePair.runtime([broken[0], MemoryTransport(name: "beta")], pair.directory)
        let error = try await naruError { _ = try await other.sender(pair.address, deadline: .after(.seconds(20))) }
        #expect(error?.code == (role == .listener ? .noTransport : nil))
        other.shutdown()
        listener.close()
    }

    @Test func withoutATransportInCommonBothSidesAreNamed() async throws {
        let pair = try RuntimePair(dialer: [MemoryTransport(name: "alpha")], listener: [MemoryTransport(name: "beta")])
        let listener = try pair.listener.listener(pair.address)
        let error = try #require(
            try await naruError { _ = try await pair.dialer.sender(pair.address, deadline: .after(.seconds(20))) })
        #expect(error.code == .noTransport)
        #expect(error.reason.contains("alpha"))
        #expect(error.reason.contains("beta"))
        listener.close()
    }

    @Test(arguments: LyingTransport.Lie.allCases)
    func aPluginThatLiesHidesNoOther(_ lie: LyingTransport.Lie) async throws {
        let pair = try RuntimePair([LyingTransport(lie, name: "liar"), MemoryTransport()])
        let link = try await pair.connect()
        #expect(link.sender.control.agreement.transport == "memory")
        try await expectWorks(link)
    }

    @Test(arguments: LyingTransport.Lie.allCases)
    func aPluginThatLiesAloneIsATypedError(_ lie: LyingTransport.Lie) async throws {
        let pair = try RuntimePair([LyingTransport(lie, name: "liar")])
        let listener = try pair.listener.listener(pair.address)
        let error = try await naruError {
            _ = try await pair.dialer.sender(pair.address, deadline: .after(.seconds(20)))
        }
        #expect(error != nil)
        listener.close()
    }

    @Test func twoPluginsOfOneNameAreRefused() {
        #expect(throws: NaruError.self) { try RuntimePair([MemoryTransport(), MemoryTransport(.slow)]) }
    }
}
