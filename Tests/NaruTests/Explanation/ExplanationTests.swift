// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Configuration
import FoundationEssentials
import Testing

@testable import Naru

/// What is said of a decision and its sources.
@Suite struct ExplanationTests {
    let place: Place

    init() throws { place = try Place() }

    /// The JSON form, as a stranger would read it.
    struct Form: Decodable {
        struct Value: Decodable {
            let value: JSONValue
            let source: String
        }
        struct Place: Decodable {
            let transport, verdict, reason: String
            let rank, costNanoseconds: Int?
            let remedy: String?
        }
        let link: String?
        let locality: String
        let request: [String: JSONValue]
        let sources: [String: Value]
        let candidates: [Place]
        let notices, warnings: [String]
    }

    @Test func jsonForm() async throws {
        let naru = try await place.naru(["NARU_LINKS_X_TRANSPORTS": "unix-socket", "NARU_LINKS_X_WAITS": "power"])
        let text = try naru.explain("x").json()
        #expect(!text.contains("\n"))
        let form = try JSONDecoder().decode(Form.self, from: Data(text.utf8))
        #expect(form.link == "x")
        #expect(form.locality == "same-host")
        #expect(form.sources["transports"]?.value == .array([.string("unix-socket")]))
        #expect(form.sources["transports"]?.source == "environment NARU_LINKS_X_TRANSPORTS")
        #expect(form.sources["messageBytes"]?.value == .int(4096))
        #expect(form.sources["messageBytes"]?.source == "default")
        #expect(form.request["transports"] == .array([.string("unix-socket")]))
        #expect(form.request["require"] == .array([]))
        #expect(form.request["compression"] == .string("auto"))
        #expect(form.warnings.count == 1)
        let chosen = try #require(form.candidates.first)
        #expect(chosen.transport == "unix-socket" && chosen.verdict == "chosen" && chosen.rank == 1)
        #expect(try #require(chosen.costNanoseconds) > 0)
        for other in form.candidates.dropFirst() {
            #expect(other.verdict == "refused" && other.rank == nil && other.costNanoseconds == nil)
            #expect(!other.reason.isEmpty && other.remedy?.isEmpty == false)
        }
        #expect(Set(form.candidates.map(\.transport)) == Set(TransportName.known.map(\.rawValue)))
        #expect(form.candidates.count == TransportName.known.count)
        #expect(form.candidates.last?.reason == "not in this build")
        // What has no value is null, never missing.
        let nulls = text.ranges(of: "\"rank\":null").count
        #expect(nulls == form.candidates.count - 1)
    }

    @Test func theDefaultsAlone() async throws {
        let naru = try await place.naru()
        let explanation = try naru.explain(nil)
        #expect(try explanation.json().contains("\"link\":null"))
        #expect(explanation.description.hasPrefix("no link: the defaults\n"))
        #expect(explanation.decision.chosen != nil)
    }

    @Test func swappingTransportsChangesTheDecision() async throws {
        func chosen(_ environment: [String: String], _ locality: Locality) async throws -> TransportName? {
            try await place.naru(environment).explain("frames", locality: locality).decision.chosen?.transport
        }
        #expect(try await chosen([:], .sameProcess) == .inProcess)
        #expect(try await chosen([:], .sameHost) == .sharedMemory)
        #expect(try await chosen(["NARU_LINKS_FRAMES_TRANSPORTS": "unix-socket"], .sameHost) == .unixSocket)
        #expect(try await chosen(["NARU_LINKS_FRAMES_DENY": "shared-memory"], .sameHost) == .unixSocket)
        #expect(try await chosen([:], .remote) == nil)
        try place.write(#"{"links": {"frames": {"transports": ["unix-socket"]}}}"#)
        #expect(try await chosen([:], .sameProcess) == .unixSocket)
        #expect(try await chosen(["NARU_LINKS_FRAMES_TRANSPORTS": "auto"], .sameProcess) == .inProcess)
    }

    @Test func descriptionNamesEachSource() async throws {
        let path = try place.write(#"{"links": {"x": {"wait": "power", "wiat": "power"}}}"#)
        let naru = try await place.naru(
            ["NARU_LINKS_X_TRANSPORTS": "unix-socket,tcp"], application: application(["links.x.messageBytes": 64]))
        let lines = try naru.explain("x").description.split(separator: "\n").map(String.init)
        #expect(lines.first == "link x")
        func line(_ key: String) -> String { lines.first { $0.hasPrefix("  \(key) ") } ?? "" }
        #expect(line("transports").hasSuffix("unix-socket, tcp  environment NARU_LINKS_X_TRANSPORTS"))
        #expect(line("wait").contains(" power "))
        #expect(line("wait").hasSuffix(" file \(path)"))
        #expect(line("messageBytes").hasSuffix(" application"))
        #expect(line("overflow").hasSuffix(" default"))
        // The sources stand in one column.
        func column(_ key: String, _ word: String) -> Int? {
            let text = line(key)
            return text.firstRange(of: "  \(word)").map { text.distance(from: text.startIndex, to: $0.lowerBound) }
        }
        let columns = [
            column("transports", "environment"), column("wait", "file"), column("messageBytes", "application"),
            column("overflow", "default"),
        ]
        #expect(columns[0] != nil && Set(columns).count == 1)
        #expect(lines.contains { $0.contains("chosen") && $0.contains("unix-socket") })
        #expect(lines.contains { $0.contains("tcp") && $0.contains("not in this build") })
        #expect(lines.contains { $0.hasPrefix("not in this build: memory-map, ") })
        #expect(lines.contains { $0.hasPrefix("warning: ") && $0.contains("`links.x.wiat`") })
        #expect(lines.contains { $0.hasPrefix("warning: the application's own configuration (InMemoryProvider[app])") })
    }
}
