// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Configuration
import Testing

@testable import Naru

/// Which source wins, and what is said of it.
@Suite struct LayersTests {
    let place: Place

    init() throws { place = try Place() }

    @Test func withoutSourcesEveryValueIsTheDefault() async throws {
        let settings = try await place.naru().settings(for: "frames")
        #expect(settings.name == "frames")
        #expect(settings.address == .local(name: "frames"))
        #expect(settings.request == LinkRequest())
        #expect(settings.warnings.isEmpty)
        #expect(Set(settings.sources.values.map(\.source)) == ["default"])
        let unset = ["allowedUsers", "listen", "insecure", "resumeBytes", "resumeSeconds", "permits"]
        #expect(Set(settings.sources.keys) == Set(LinkKey.allCases.map(\.rawValue)).subtracting(unset))
        #expect(settings.sources["transports"]?.value == .list(["auto"]))
        #expect(settings.sources["address"]?.value == .text("local:frames"))
    }

    @Test func fileBeatsDefault() async throws {
        let path = try place.write(#"{"links": {"frames": {"wait": "power", "transports": ["auto"]}}}"#)
        let settings = try await place.naru().settings(for: "frames")
        #expect(settings.request.requirements.wait == .power)
        #expect(settings.request.requirements.transports == nil)
        #expect(settings.sources["wait"] == SourcedValue(value: .text("power"), source: "file \(path)"))
        #expect(settings.sources["transports"]?.source == "file \(path)")
        #expect(settings.sources["optimize"]?.source == "default")
    }

    @Test func environmentBeatsFile() async throws {
        let path = try place.write(#"{"links": {"frames": {"wait": "power", "optimize": "throughput"}}}"#)
        let settings = try await place.naru(["NARU_LINKS_FRAMES_WAIT": "latency"]).settings(for: "frames")
        #expect(settings.request.requirements.wait == .latency)
        #expect(settings.request.requirements.optimize == .throughput)
        #expect(settings.sources["wait"]?.source == "environment NARU_LINKS_FRAMES_WAIT")
        #expect(settings.sources["optimize"]?.source == "file \(path)")
    }

    @Test func applicationBeatsEnvironment() async throws {
        try place.write(#"{"links": {"frames": {"wait": "power", "messageBytes": 1}}}"#)
        let naru = try await place.naru(
            ["NARU_LINKS_FRAMES_WAIT": "latency", "NARU_LINKS_FRAMES_MESSAGE_BYTES": "2"],
            application: application(["links.frames.wait": "balanced"]))
        let settings = try naru.settings(for: "frames")
        #expect(settings.request.requirements.wait == .balanced)
        #expect(settings.sources["wait"]?.source == "application")
        #expect(settings.request.requirements.messageBytes == 2)
        #expect(settings.sources["messageBytes"]?.source == "environment NARU_LINKS_FRAMES_MESSAGE_BYTES")
    }

    @Test func firstProviderOfTheApplicationWins() async throws {
        let naru = try await place.naru(
            application: application(["links.frames.wait": "power"])
                + application(["links.frames.wait": "latency", "links.frames.overflow": "detach"]))
        let requirements = try naru.settings(for: "frames").request.requirements
        #expect(requirements.wait == .power)
        #expect(requirements.overflow == .detach)
    }

    @Test func everyKeyFromTheFile() async throws {
        try place.write(
            """
            { "links": { "frames": { "address": "local:other", "direction": "duplex",
                                     "transports": ["unix-socket", "shared-memory"], "deny": ["in-process"],
                                     "require": ["confirmed"], "prefer": ["zero-copy", "pollable"],
                                     "optimize": "throughput", "wait": "latency", "messageBytes": 64,
                                     "maximumMessageBytes": 1024, "overflow": "drop-newest", "compression": "off",
                                     "allowedUsers": [] } } }
            """)
        let settings = try await place.naru().settings(for: "frames")
        #expect(settings.address == .local(name: "other"))
        #expect(
            settings.request
                == LinkRequest(
                    requirements: Requirements(
                        transports: [.unixSocket, .sharedMemory], deny: [.inProcess], must: [.confirmed],
                        prefer: [.zeroCopy, .pollable], direction: .duplex, optimize: .throughput, wait: .latency,
                        messageBytes: 64, maximumMessageBytes: 1024, overflow: .dropNewest),
                    compression: .off))
        #expect(settings.warnings.isEmpty)
    }

    @Test func everyKeyFromTheEnvironment() async throws {
        let settings = try await place.naru([
            "NARU_LINKS_MY_LINK_ADDRESS": "local:other", "NARU_LINKS_MY_LINK_DIRECTION": "duplex",
            "NARU_LINKS_MY_LINK_TRANSPORTS": "unix-socket, shared-memory", "NARU_LINKS_MY_LINK_DENY": "in-process",
            "NARU_LINKS_MY_LINK_REQUIRE": "confirmed", "NARU_LINKS_MY_LINK_PREFER": "zero-copy,pollable",
            "NARU_LINKS_MY_LINK_OPTIMIZE": "throughput", "NARU_LINKS_MY_LINK_WAIT": "latency",
            "NARU_LINKS_MY_LINK_MESSAGE_BYTES": "64", "NARU_LINKS_MY_LINK_MAXIMUM_MESSAGE_BYTES": "1024",
            "NARU_LINKS_MY_LINK_OVERFLOW": "drop-newest", "NARU_LINKS_MY_LINK_COMPRESSION": "off",
            "NARU_LINKS_MY_LINK_ALLOWED_USERS": "",
        ]).settings(for: "my-link")
        #expect(settings.address == .local(name: "other"))
        #expect(
            settings.request
                == LinkRequest(
                    requirements: Requirements(
                        transports: [.unixSocket, .sharedMemory], deny: [.inProcess], must: [.confirmed],
                        prefer: [.zeroCopy, .pollable], direction: .duplex, optimize: .throughput, wait: .latency,
                        messageBytes: 64, maximumMessageBytes: 1024, overflow: .dropNewest),
                    compression: .off))
        #expect(settings.warnings.isEmpty)
    }

    @Test func everyKeyFromTheApplication() async throws {
        let settings = try await place.naru(
            application: application([
                "links.x.transports": ConfigValue(.stringArray(["unix-socket"]), isSecret: false),
                "links.x.messageBytes": 64, "links.x.compression": "off", "links.x.address": "local:y",
            ])
        ).settings(for: "x")
        #expect(settings.request.requirements.transports == [.unixSocket])
        #expect(settings.request.requirements.messageBytes == 64)
        #expect(settings.request.compression == .off)
        #expect(settings.address == .local(name: "y"))
    }

    @Test(arguments: [true, false])
    func fileOfTheEnvironment(_ isAbsolute: Bool) async throws {
        try place.write(#"{"links": {"frames": {"wait": "power"}}}"#)
        let other = try Place()
        let path = try other.write(#"{"links": {"frames": {"wait": "latency"}}}"#, to: "my.json")
        let relative = "../\(other.path.split(separator: "/").last!)/my.json"
        let settings = try await place.naru(["NARU_CONFIG": isAbsolute ? path : relative]).settings(for: "frames")
        #expect(settings.request.requirements.wait == .latency)
        #expect(settings.sources["wait"]?.source == "file \(isAbsolute ? path : "\(place.path)/\(relative)")")
    }

    @Test func emptyVariableOfTheFileIsNone() async throws {
        let path = try place.write(#"{"links": {"frames": {"wait": "power"}}}"#)
        let settings = try await place.naru(["NARU_CONFIG": ""]).settings(for: "frames")
        #expect(settings.sources["wait"]?.source == "file \(path)")
    }

    @Test func nullIsNotThere() async throws {
        try place.write(#"{"links": {"frames": {"wait": null}, "other": {"wait": "power"}}}"#)
        let settings = try await place.naru().settings(for: "frames")
        #expect(settings.sources["wait"]?.source == "default")
    }

    @Test func anAddressHasTheSettingsOfItsNameButStaysTheAddress() async throws {
        try place.write(#"{"links": {"frames": {"wait": "power", "address": "local:elsewhere"}}}"#)
        let naru = try await place.naru()
        let byName = try naru.settings(for: "frames")
        #expect(byName.address == .local(name: "elsewhere"))
        let byAddress = try naru.settings(for: "local:frames")
        #expect(byAddress.address == .local(name: "frames"))
        #expect(byAddress.sources["address"]?.source == "application")
        #expect(byAddress.request.requirements.wait == .power)
    }

    @Test func aNameThatIsNone() async throws {
        let naru = try await place.naru()
        #expect(await failure { _ = try naru.settings(for: "Frames") }?.code == .invalidArgument)
        #expect(await failure { _ = try naru.settings(for: "") }?.code == .invalidArgument)
        #expect(await failure { _ = try naru.settings(for: "nats://host:1") }?.code == .unsupported)
    }

    /// Where one listens and where one dials may differ; a name in the address is the link's at both ends.
    @Test func theListeningEndMayHaveAnAddressOfItsOwn() async throws {
        try place.write(
            #"{"links": {"frames": {"address": "tcp:server:9/a", "listen": "tcp:*:9", "insecure": true}}}"#)
        let naru = try await place.naru()
        let settings = try naru.settings(for: "frames")
        #expect(settings.request.insecure)
        let place = NetworkPlace(scheme: "tcp", host: "server", port: 9, name: "a")
        #expect(try settings.endpoint(.any, operation: "send").0 == .network(place))
        let own = NetworkPlace(scheme: "tcp", host: "*", port: 9, name: "a")
        #expect(try settings.endpoint(.any, listens: true, operation: "receive").0 == .network(own))
        // An address that the program names is where it listens.
        let fixed = try naru.settings(for: "tcp:[::1]:7/frames")
        let named = NetworkPlace(scheme: "tcp", host: "::1", port: 7, name: "frames")
        #expect(try fixed.endpoint(.any, listens: true, operation: "receive").0 == .network(named))
    }

    @Test func insecureIsAFlagInTheEnvironmentToo() async throws {
        let naru = try await place.naru(["NARU_LINKS_A_INSECURE": "true", "NARU_LINKS_B_INSECURE": "false"])
        #expect(try naru.settings(for: "a").request.insecure)
        #expect(try !naru.settings(for: "b").request.insecure)
        #expect(try naru.settings(for: "a").sources["insecure"]?.value == .flag(true))
    }
}
