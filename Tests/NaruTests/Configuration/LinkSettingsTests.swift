// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import Naru

/// Settings that a program changes.
@Suite struct LinkSettingsTests {
    @Test func setting() async throws {
        let naru = try await Place().naru(["NARU_LINKS_X_WAIT": "power"])
        var settings = try naru.settings(for: "x")
        try settings.set("wait", to: .text("latency"), source: "--wait")
        try settings.set("messageBytes", to: .number(8), source: "--size")
        try settings.set("transports", to: .list(["unix-socket"]), source: "--transport")
        #expect(settings.request.requirements.wait == .latency)
        #expect(settings.request.requirements.messageBytes == 8)
        #expect(settings.sources["transports"] == SourcedValue(value: .list(["unix-socket"]), source: "--transport"))
        #expect(naru.explain(settings).decision.chosen?.transport == .unixSocket)
    }

    @Test func settingWhatIsNotPermitted() async throws {
        var settings = try await Place().naru().settings(for: "x")
        let before = settings.request
        let unknown = #expect(throws: NaruError.self) { try settings.set("size", to: .number(8), source: "--size") }
        #expect(unknown?.description.contains("the nearest known one is `") == true)
        let kind = #expect(throws: NaruError.self) { try settings.set("wait", to: .number(8), source: "--wait") }
        #expect(kind?.description == "read --wait: `8` is not a text")
        #expect(throws: NaruError.self) { try settings.set("messageBytes", to: .number(-8), source: "--size") }
        #expect(settings.request == before)
        #expect(settings.sources["messageBytes"]?.source == "default")
    }

    @Test func directions() async throws {
        let naru = try await Place().naru([
            "NARU_LINKS_ONE_DIRECTION": "simplex", "NARU_LINKS_BOTH_DIRECTION": "duplex",
        ])
        let unset = try naru.settings(for: "unset")
        #expect(try unset.endpoint(.oneWay, operation: "send").1.requirements.direction == .simplex)
        #expect(try unset.endpoint(.exactly(.duplex), operation: "open").1.requirements.direction == .duplex)
        let one = try naru.settings(for: "one")
        let refused = #expect(throws: NaruError.self) { try one.endpoint(.exactly(.duplex), operation: "open") }
        #expect(refused?.code == .invalidConfiguration)
        #expect(refused?.reason.contains("simplex (environment NARU_LINKS_ONE_DIRECTION)") == true)
        let both = try naru.settings(for: "both")
        #expect(throws: NaruError.self) { try both.endpoint(.oneWay, operation: "send") }
        #expect(try both.endpoint(.any, operation: "listen").1.requirements.direction == .duplex)
        #expect(throws: NaruError.self) { try both.endpoint(.exactly(.simplex), operation: "listen") }
    }

    @Test func permitsOfTheConfiguration() async throws {
        let place = try Place()
        let naru = try await place.naru(["NARU_LINKS_GPU_PERMITS": "3"])
        let permits = try naru.permits("gpu")
        for _ in 0..<3 { #expect(try permits.tryAcquire()) }
        #expect(try !permits.tryAcquire())
        for _ in 0..<3 { try permits.release() }
        // What the program says comes first, and contradicts what is there.
        #expect(await failure { _ = try naru.permits("gpu", count: 2) } != nil)
        permits.close()
        await naru.shutdown()
        withExtendedLifetime(place) {}
    }

    @Test func resumptionOfTheConfiguration() async throws {
        let place = try Place()
        let naru = try await place.naru([
            "NARU_LINKS_FAR_RESUME_BYTES": "4096", "NARU_LINKS_FAR_RESUME_SECONDS": "7",
        ])
        #expect(try naru.settings(for: "far").resumption == Resumption(resumeBytes: 4096, patience: .seconds(7)))
        #expect(try naru.settings(for: "near").resumption == Resumption())
        // It keeps no more than that: while the receiver takes nothing, the second message finds no room.
        let receiver = try naru.resumingReceiver("far")
        let sender = Task { () throws -> Bool in
            let sender = try await naru.resumingSender("far")
            try await sender.send([UInt8](repeating: 1, count: 4096))
            let full = await failure { try await sender.send([2], deadline: .after(.milliseconds(50))) }
            return full?.code == .deadlineExceeded && sender.accepted == 1
        }
        // Accepts the link, and takes nothing.
        await #expect(throws: CancellationError.self) { try await receiver.receive { _ in throw CancellationError() } }
        #expect(try await sender.value)
        receiver.close()
        await naru.shutdown()
        withExtendedLifetime(place) {}
    }

    @Test func settingsOfNoLink() async throws {
        let naru = try await Place().naru()
        let settings = try naru.settings(for: nil)
        #expect(settings.name == nil && settings.address == nil && settings.sources["address"] == nil)
        #expect(settings.request == LinkRequest())
        #expect(await failure { _ = try await naru.sender(settings) }?.code == .invalidArgument)
    }
}
