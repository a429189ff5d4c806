// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Configuration
import Testing

@testable import Naru

/// The mapping between links and the environment.
@Suite struct LinkKeyTests {
    static let links = ["x", "frames", "my-link", "a--b", "-", "0", "x-maximum", "message-bytes", "wait"]

    @Test(arguments: links, LinkKey.allCases)
    func namesAreThoseOfTheProvider(_ link: String, _ key: LinkKey) throws {
        let provider = EnvironmentVariablesProvider(environmentVariables: [:]).prefixKeys(with: "naru")
        let encoded = try provider.value(
            forKey: AbsoluteConfigKey(["links", link, key.rawValue]), type: .string
        ).encodedKey
        if let name = LinkVariable.name(of: key, link: link) {
            #expect(name == encoded)
            let meaning = try #require(LinkVariable.meaning(of: name))
            #expect(meaning.link == link)
            #expect(meaning.key == key)
        } else {
            // The one case in which two names would be one variable.
            #expect(key == .messageBytes)
            #expect(link.hasSuffix("-maximum"))
        }
    }

    @Test func oneVariableMeansOneThing() async throws {
        let naru = try await Place().naru(["NARU_LINKS_X_MAXIMUM_MESSAGE_BYTES": "100"])
        let x = try naru.settings(for: "x")
        #expect(x.request.requirements.maximumMessageBytes == 100)
        let other = try naru.settings(for: "x-maximum")
        #expect(other.request == LinkRequest())
        #expect(x.warnings.isEmpty && other.warnings.isEmpty)
    }

    @Test(arguments: [
        "NARU_LINKS_", "NARU_LINKS_WAIT", "NARU_LINKS__WAIT", "NARU_LINKS_x_WAIT", "NARU_LINKS_A.B_WAIT",
        "LINKS_X_WAIT",
    ])
    func variablesThatMeanNothing(_ variable: String) {
        #expect(LinkVariable.meaning(of: variable) == nil)
    }
}
