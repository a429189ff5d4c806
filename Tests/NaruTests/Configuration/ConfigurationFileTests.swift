// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import Naru

/// Files that cannot be used.
@Suite struct ConfigurationFileTests {
    let place: Place

    init() throws { place = try Place() }

    @Test(arguments: [
        ("{", "not valid JSON"), ("", "not valid JSON"), (#"{"links": {"x": {"wait" "power"}}}"#, "not valid JSON"),
        ("[]", "the top level is [], not an object"), ("5", "the top level is 5"),
        (#"{"links": []}"#, "key links: `[]` is not an object"),
        (#"{"links": {"x": "power"}}"#, "key links.x: `\"power\"` is not an object"),
        (#"{"links": {"My_Link": {}}}"#, "`My_Link` is not a link's name"),
        (#"{"links": {"local:x": {}}}"#, "`local:x` is not a link's name"),
    ])
    func contents(_ text: String, says: String) async throws {
        let path = try place.write(text)
        let error = try #require(await failure { _ = try await place.naru() })
        #expect(error.code == .invalidConfiguration)
        #expect(error.object.hasPrefix("file \(path)"))
        #expect("\(error)".contains(says), "\(error)")
    }

    @Test func deepNesting() async throws {
        try place.write(String(repeating: "[", count: 100_000))
        #expect(await failure { _ = try await place.naru() }?.code == .invalidConfiguration)
    }

    @Test func tooLarge() async throws {
        try place.write("{\"a\": \"" + String(repeating: "x", count: ConfigurationFile.maximumByteCount) + "\"}")
        #expect(await failure { _ = try await place.naru() }?.code == .invalidConfiguration)
    }

    @Test func aFolder() async throws {
        let error = try #require(await failure { _ = try await place.naru(["NARU_CONFIG": place.path]) })
        #expect(error.code == .invalidConfiguration)
        #expect(error.object == "file \(place.path)")
    }

    @Test func missing() async throws {
        let error = try #require(await failure { _ = try await place.naru(["NARU_CONFIG": "no.json"]) })
        #expect(error.code == .invalidConfiguration)
        #expect(error.object == "file \(place.path)/no.json")
        #expect(error.remedy?.contains("NARU_CONFIG") == true)
        _ = try await place.naru()
    }
}
