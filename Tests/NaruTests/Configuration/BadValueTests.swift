// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Configuration
import Testing

@testable import Naru

/// A value that is not permitted is an error that names source, key, value and what is permitted; never a default.
@Suite struct BadValueTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let key: String
        let json: String
        let variable: String?
        let says: [String]

        init(_ key: String, _ json: String, _ variable: String?, says: String...) {
            self.key = key
            self.json = json
            self.variable = variable
            self.says = says
        }

        var testDescription: String { "\(key) \(json)" }
    }

    static let cases = [
        Case("address", "\"local:UPPER\"", "local:UPPER", says: "local:UPPER", "a-z, 0-9"),
        Case("address", "\"nats://host:1\"", "nats://host:1", says: "nats", "local:NAME"),
        Case("address", "\"tcp:host\"", "tcp:host", says: "port", "tcp:HOST:PORT"),
        Case("insecure", "\"maybe\"", "maybe", says: "maybe", "true or false"),
        Case("address", "7", nil, says: "`7` is not a text"),
        Case("direction", "\"both\"", "both", says: "`both`", "simplex, duplex, broadcast, queue, signal"),
        Case("direction", "[\"simplex\"]", nil, says: "[\"simplex\"]", "not a text"),
        Case("transports", "\"unix-socket\"", nil, says: "`\"unix-socket\"` is not a list"),
        Case("transports", "[]", "", says: "empty", "auto"),
        Case("transports", "[\"auto\", \"tcp\"]", "auto,tcp", says: "auto stands beside"),
        Case("transports", "[\"Unix Socket\"]", "Unix Socket", says: "`Unix Socket` is not a name"),
        Case("transports", "[\"tcp\", 5]", "tcp,,", says: "not a"),
        Case("deny", "[\"\"]", ",", says: "`` is not a name"),
        Case("require", "{\"persistent\": true}", nil, says: "{…}", "not a list"),
        Case("prefer", "[\"zero_copy\"]", "zero_copy", says: "`zero_copy` is not a name"),
        Case("optimize", "\"speed\"", "speed", says: "`speed`", "latency, throughput"),
        Case("wait", "\"spin\"", "spin", says: "`spin`", "latency, balanced, power"),
        Case("wait", "true", "", says: "`"),
        Case("messageBytes", "\"4096\"", "4 KiB", says: "not a whole number"),
        Case("messageBytes", "1.5", "1.5", says: "1.5` is not a whole number"),
        Case("messageBytes", "-1", "-1", says: "-1", "from 0 to"),
        Case("maximumMessageBytes", "0", "0", says: "from 1 to"),
        Case("maximumMessageBytes", "99999999999999999999", "99999999999999999999", says: "not a whole number"),
        Case("overflow", "\"drop\"", "drop", says: "`drop`", "block, drop-oldest, drop-newest, detach"),
        Case("compression", "\"gzip!\"", "gzip!", says: "`gzip!`", "auto, off, zstd"),
        Case("compression", "\"zstd:fast\"", "zstd:fast", says: "`zstd:fast`", "zstd:LEVEL"),
        Case("compression", "\"lz\"", "lz", says: "no codec `lz`"),
        Case("resumeBytes", "0", "0", says: "0 is below 1"),
        Case("resumeSeconds", "\"30 s\"", "30 s", says: "not a whole number"),
        Case("resumeSeconds", "-3", "-3", says: "-3 is below 1"),
        Case("permits", "0", "0", says: "0 is below 1"),
        Case("allowedUsers", "[\"alice\"]", "alice", says: "its own user only"),
    ]

    @Test(arguments: cases)
    func inTheFile(_ bad: Case) async throws {
        let place = try Place()
        let path = try place.write(#"{"links": {"frames": {"\#(bad.key)": \#(bad.json)}}}"#)
        let naru = try await place.naru()
        let error = try #require(await failure { _ = try naru.settings(for: "frames") })
        #expect(error.code == .invalidConfiguration)
        #expect(error.object == "file \(path), key links.frames.\(bad.key)")
        for text in bad.says { #expect("\(error)".contains(text)) }
        // Nobody else is concerned.
        _ = try naru.settings(for: "other")
    }

    @Test(arguments: cases.filter { $0.variable != nil })
    func inTheEnvironment(_ bad: Case) async throws {
        let key = try #require(LinkKey(rawValue: bad.key))
        let variable = try #require(LinkVariable.name(of: key, link: "frames"))
        let naru = try await Place().naru([variable: #require(bad.variable)])
        let error = try #require(await failure { _ = try naru.settings(for: "frames") })
        #expect(error.code == .invalidConfiguration)
        #expect(error.object == "environment \(variable)")
    }

    @Test func inTheApplication() async throws {
        let place = try Place()
        let naru = try await place.naru(
            application: application([
                "links.a.wait": "spin", "links.b.messageBytes": "many", "links.c.transports": "tcp", "links.d.wait": 5,
            ]))
        for (link, key, says) in [
            ("a", "wait", "`spin`"), ("b", "messageBytes", "`many` is not a whole number"),
            ("c", "transports", "`tcp` is not a list"), ("d", "wait", "not a text"),
        ] {
            let error = try #require(await failure { _ = try naru.settings(for: link) })
            #expect(error.code == .invalidConfiguration)
            #expect(error.object == "application (InMemoryProvider[app]), key links.\(link).\(key)")
            #expect(error.reason.contains(says))
        }
    }

    @Test func aStrongerSourceDoesNotExcuseAWeakerOneThatIsAsked() async throws {
        let place = try Place()
        try place.write(#"{"links": {"frames": {"wait": "spin"}}}"#)
        let settings = try await place.naru(["NARU_LINKS_FRAMES_WAIT": "power"]).settings(for: "frames")
        #expect(settings.request.requirements.wait == .power)
    }

    @Test func codecsOfTheBuild() async throws {
        let place = try Place()
        let naru = try await place.naru([
            "NARU_LINKS_A_COMPRESSION": "zstd:3", "NARU_LINKS_B_COMPRESSION": "zstd:1000",
        ])
        if Naru.codecs.isEmpty {
            let error = try #require(await failure { _ = try naru.settings(for: "a") })
            #expect(error.remedy?.contains("package trait Zstd") == true)
        } else {
            #expect(try naru.settings(for: "a").request.compression == .forced("zstd", level: 3))
            let error = try #require(await failure { _ = try naru.settings(for: "b") })
            #expect(error.reason.contains("`zstd:1000`: the level is not from"))
        }
    }
}
