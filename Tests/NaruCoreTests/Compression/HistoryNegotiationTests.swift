// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import FoundationEssentials
import Testing

@testable import NaruCore

/// Whether a link's codec keeps history: negotiated, and only where nothing can be lost, reordered or overheard.
@Suite struct HistoryNegotiationTests {
    private static let features = ["zstd": ["history", "of-a-later-release"]]

    private func talk(
        _ dialer: Compression = .forced("zstd"), _ listener: Compression = .auto,
        features: ([String: [String]]?, [String: [String]]?) = (features, features),
        requirements: Requirements = Requirements(),
        records: [CapabilityRecord] = [record(.sharedMemory), record(.unixSocket)]
    ) -> Conversation {
        var talk = Conversation(
            end(
                .dialer, records: records, requirements: requirements, compression: dialer, codecs: ["zstd"],
                codecFeatures: features.0),
            end(
                .listener, records: records, requirements: requirements, compression: listener, codecs: ["zstd"],
                codecFeatures: features.1))
        talk.run()
        return talk
    }

    @Test func bothEndsAgreeOnHistory() throws {
        for talk in [talk(), talk(.auto, .forced("zstd")), talk(.forced("zstd"), .forced("zstd", level: 9))] {
            let terms = try #require(talk.established[.dialer]?.0.forward.first)
            #expect(terms.codec == "zstd" && terms.history)
            #expect(talk.established[.listener]?.0 == talk.established[.dialer]?.0)
        }
    }

    @Test func aPeerWithoutTheFeatureStaysPerMessage() throws {
        typealias Features = [String: [String]]?
        let pairs: [(Features, Features)] = [
            (nil, Self.features), (Self.features, nil), (["zstd": []], Self.features), (Self.features, [:]),
        ]
        for features in pairs {
            let terms = try #require(talk(features: features).established[.listener]?.0.forward.first)
            #expect(terms == LaneTerms(transport: .sharedMemory, codec: "zstd"))
        }
    }

    @Test func whoWantsItPerMessageGetsIt() throws {
        let without = Compression.forced("zstd", history: false)
        for talk in [talk(without), talk(.auto, without), talk(.forced("zstd"), without)] {
            let terms = try #require(talk.established[.dialer]?.0.forward.first)
            #expect(terms.codec == "zstd" && !terms.history)
        }
    }

    @Test func withoutACodecThereIsNoHistory() throws {
        for talk in [talk(.auto, .auto), talk(.forced("zstd"), .off)] {
            let terms = try #require(talk.established[.dialer]?.0.forward.first)
            #expect(terms == LaneTerms(transport: .sharedMemory))
        }
    }

    /// What an older release says, and what it makes of what this one says.
    @Test func anOlderReleasesMessagesAreUnderstood() throws {
        var hello = end(.dialer, codecs: ["zstd"], codecFeatures: Self.features).hello
        hello.codecFeatures = nil
        let old = try JSONEncoder().encode(hello)
        try #require(!String(decoding: old, as: UTF8.self).contains("codecFeatures"))
        let decoded = try JSONDecoder().decode(Hello.self, from: old)
        #expect(decoded.codecFeatures == nil)
        #expect(!decoded.codec("zstd", has: CodecFeature.history))
        let terms = Data(#"{"transport":"unix-socket","codec":"zstd"}"#.utf8)
        let without = LaneTerms(transport: .unixSocket, codec: "zstd")
        #expect(try JSONDecoder().decode(LaneTerms.self, from: terms) == without)
        let plain = try JSONEncoder().encode(without)
        #expect(!String(decoding: plain, as: UTF8.self).contains("history"))
        let kept = LaneTerms(transport: .unixSocket, codec: "zstd", level: 2, history: true)
        #expect(try JSONDecoder().decode(LaneTerms.self, from: JSONEncoder().encode(kept)) == kept)
    }

    /// A dialer that proposes history where the listener would not.
    @Test(arguments: [
        (Compression.forced("zstd"), [String: [String]]()), (.forced("zstd", history: false), ["zstd": ["history"]]),
        (.off, ["zstd": ["history"]]),
    ])
    func theListenerRefusesHistoryItWouldNotKeep(_ wish: Compression, _ features: [String: [String]]) {
        var listener = HandshakeMachine(end(.listener, compression: wish, codecs: ["zstd"], codecFeatures: features))
        _ = listener.handle(.started)
        let dialer = end(.dialer, compression: .forced("zstd"), codecs: ["zstd"], codecFeatures: Self.features)
        _ = listener.handle(.message(.hello(dialer.hello), sameUser: true))
        for codec in ["zstd", nil] {
            let terms = LaneTerms(transport: .sharedMemory, codec: codec, history: true)
            let relation = Relation.between(dialer.hello.process, claim("listener"), sameUser: true, related: false)
            let agreement = Agreement(
                link: .random(), forward: [terms], backward: [], requirements: Requirements(), relation: relation)
            let quote = CostQuote(source: "test", nanoseconds: [:])
            let actions = listener.handle(
                .message(.propose(Proposal(agreement: agreement, quote: quote)), sameUser: true))
            guard case .send(.reject(let rejection)) = actions.first else {
                Issue.record("expected a rejection, got \(actions)")
                continue
            }
            #expect(rejection.reason.contains("history"), "\(rejection.reason)")
        }
    }
}

/// The rule itself.
@Suite struct HistoryRuleTests {
    private func refusal(
        _ mode: Compression.Mode, _ change: (inout Requirements, inout CapabilityRecord) -> Void
    ) -> String? {
        var requirements = Requirements()
        var peer = record(.tcp)
        change(&requirements, &peer)
        return HistoryRule.refusal(mode, requirements, [record(.tcp), peer])
    }

    @Test func aReliableOrderedLinkWithOneReceiverMay() {
        for mode in [Compression.Mode.auto, .forced] {
            #expect(refusal(mode) { _, _ in } == nil)
            #expect(refusal(mode) { requirements, _ in requirements.direction = .duplex } == nil)
        }
    }

    @Test(arguments: [Compression.Mode.auto, .forced]) func othersMayNot(_ mode: Compression.Mode) {
        for direction in [Direction.broadcast, .queue, .signal] {
            #expect(refusal(mode) { requirements, _ in requirements.direction = direction } != nil)
        }
        for overflow in OverflowPolicy.allCases where overflow != .block {
            #expect(refusal(mode) { requirements, _ in requirements.overflow = overflow } != nil)
        }
        for property in [Property.priority, .replay, .persistent] {
            #expect(refusal(mode) { requirements, _ in requirements.must = [property] } != nil)
            #expect(refusal(mode) { _, record in record.properties.append(property) } != nil)
        }
        #expect(refusal(mode) { _, record in record.agreements = [.attached] } != nil)
    }

    @Test func confidentialLinksOnlyWhereItIsForced() {
        let confidential: [(inout Requirements, inout CapabilityRecord) -> Void] = [
            { requirements, _ in requirements.must = [.confidential] },
            { requirements, _ in requirements.prefer = [.confidential] },
            { _, record in record.properties.append(.confidential) },
        ]
        for change in confidential {
            #expect(refusal(.auto, change)?.contains("confidential") == true)
            #expect(refusal(.forced, change) == nil)
        }
    }
}
