// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Configuration
import Testing

@testable import Naru

/// Keys and names that nothing knows: warned of once, with the nearest known one.
@Suite struct WarningTests {
    let place: Place

    init() throws { place = try Place() }

    @Test func keysOfTheFile() async throws {
        let path = try place.write(
            #"{"link": {}, "links": {"a": {"transprots": ["tcp"], "messagebytes": 5}, "b": {"waits": "power"}}}"#)
        let log = RecordingLog()
        let naru = try await place.naru(logger: log.logger)
        let expected = [
            "file \(path): unknown key `link`; the nearest known one is `links`",
            "file \(path): unknown key `links.a.messagebytes`; the nearest known one is `links.a.messageBytes`",
            "file \(path): unknown key `links.a.transprots`; the nearest known one is `links.a.transports`",
            "file \(path): unknown key `links.b.waits`; the nearest known one is `links.b.wait`",
        ]
        #expect(naru.warnings == expected)
        #expect(try naru.settings(for: "a").warnings == Array(expected[0...2]))
        #expect(try naru.settings(for: "b").warnings == [expected[0], expected[3]])
        #expect(try naru.settings(for: "c").warnings == [expected[0]])
        #expect(log.all == expected.map { "warning \($0)" })
        #expect(try naru.settings(for: "b").sources["wait"]?.source == "default")
    }

    @Test(
        arguments: [
            ("NARU_LINKS_FRAMES_TRANSPORT", "NARU_LINKS_FRAMES_TRANSPORTS", "frames"),
            ("NARU_LINKS_MY_LINK_MAX_MESSAGE_BYTES", nil, nil),
            ("NARU_LINKS_MY_LINK_WAITT", "NARU_LINKS_MY_LINK_WAIT", "my-link"),
            ("NARU_LINKS_FRAMES_messageBytes", "NARU_LINKS_FRAMES_MESSAGE_BYTES", "frames"),
            ("NARU_LINK_FRAMES_TRANSPORTS", "NARU_LINKS_FRAMES_TRANSPORTS", "frames"),
            ("NARU_CONFG", "NARU_CONFIG", "any"), ("NARU_RUNTIMEDIR", "NARU_RUNTIME_DIR", "any"),
            ("NARU_", "NARU_CONFIG", "any"),
        ] as [(String, String?, String?)])
    func variables(_ variable: String, nearest: String?, link: String?) async throws {
        let naru = try await place.naru([variable: "5", "PATH": "/bin", "NARUTO": "1"])
        guard let nearest, let link else {
            // Well formed: it is the `messageBytes` of a link `my-link-max`.
            #expect(naru.warnings.isEmpty)
            return
        }
        let expected = "environment: unknown variable \(variable); the nearest known one is \(nearest)"
        #expect(naru.warnings == [expected])
        #expect(try naru.settings(for: link).warnings == [expected])
        if link != "any" { #expect(try naru.settings(for: "unconcerned").warnings.isEmpty) }
    }

    @Test func variablesThatAreKnown() async throws {
        try place.write("{}", to: "my.json")
        let naru = try await place.naru(["NARU_CONFIG": "my.json", "NARU_LINKS_A_B_ALLOWED_USERS": ""])
        #expect(naru.warnings.isEmpty)
    }

    @Test func namesOfTransportsAndProperties() async throws {
        let log = RecordingLog()
        let naru = try await place.naru(
            [
                "NARU_LINKS_A_TRANSPORTS": "unix-sokcet", "NARU_LINKS_A_DENY": "tpc",
                "NARU_LINKS_A_REQUIRE": "persistant", "NARU_LINKS_A_PREFER": "zerocopy",
            ], logger: log.logger)
        let warnings = try naru.settings(for: "a").warnings
        #expect(
            warnings == [
                "environment NARU_LINKS_A_TRANSPORTS: unknown name `unix-sokcet`; the nearest known one is "
                    + "`unix-socket`",
                "environment NARU_LINKS_A_DENY: unknown name `tpc`; the nearest known one is `tcp`",
                "environment NARU_LINKS_A_REQUIRE: unknown name `persistant`; the nearest known one is `persistent`",
                "environment NARU_LINKS_A_PREFER: unknown name `zerocopy`; the nearest known one is `zero-copy`",
            ])
        _ = try naru.settings(for: "a")
        #expect(log.all == warnings.map { "warning \($0)" })
    }

    @Test(arguments: [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("abc", "abc", 0), ("abcd", "acd", 1)])
    func distance(_ a: String, _ b: String, _ steps: Int) {
        #expect(Nearest.distance(Array(a.utf8), Array(b.utf8)) == steps)
        #expect(Nearest.distance(Array(b.utf8), Array(a.utf8)) == steps)
    }
}
