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

    @Test func settingsOfNoLink() async throws {
        let naru = try await Place().naru()
        let settings = try naru.settings(for: nil)
        #expect(settings.name == nil && settings.address == nil && settings.sources["address"] == nil)
        #expect(settings.request == LinkRequest())
        #expect(await failure { _ = try await naru.sender(settings) }?.code == .invalidArgument)
    }
}
