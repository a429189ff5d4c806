// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import ArgumentParser
import Configuration
import Naru
import Testing

@testable import NaruCLI

@Suite struct LinkOptionsTests {
    /// The settings of a link, from nowhere but the defaults and the file's text, with the options over them.
    private func settings(_ arguments: [String], environment: [String: String] = [:]) async throws -> LinkSettings {
        let command = try #require(try NaruCommand.parseAsRoot(["send", "frames"] + arguments) as? SendCommand)
        let naru = try await Naru(sources: ConfigurationSources(environment: environment, workingDirectory: "/proc"))
        defer { naru.runtime.shutdown() }
        var settings = try naru.settings(for: command.options.link)
        try command.options.apply(to: &settings)
        return settings
    }

    @Test func `without options the message is 64 KiB and the rest is the configuration's`() async throws {
        let request = try await settings([]).request
        #expect(request.requirements.messageBytes == 65_536)
        #expect(request.requirements.transports == nil)
        #expect(request.compression == .auto)
    }

    @Test func `a configured message size stays`() async throws {
        let request = try await settings([], environment: ["NARU_LINKS_FRAMES_MESSAGE_BYTES": "100"]).request
        #expect(request.requirements.messageBytes == 100)
    }

    @Test func `lines leave the message size alone`() async throws {
        #expect(try await settings(["--lines"]).request.requirements.messageBytes == Requirements.defaultMessageBytes)
    }

    @Test func `options come before the environment`() async throws {
        let environment = [
            "NARU_LINKS_FRAMES_TRANSPORTS": "shared-memory", "NARU_LINKS_FRAMES_COMPRESSION": "off",
            "NARU_LINKS_FRAMES_MESSAGE_BYTES": "100",
        ]
        let settings = try await settings(
            ["--transport", "unix-socket", "--compression", "auto", "--message-size", "1MiB"],
            environment: environment)
        #expect(settings.request.requirements.transports == [.unixSocket])
        #expect(settings.request.compression == .auto)
        #expect(settings.request.requirements.messageBytes == 1 << 20)
        #expect(settings.sources["transports"]?.source == "--transport")
    }

    @Test func `the transport auto permits all`() async throws {
        let settings = try await settings(
            ["--transport", "auto"], environment: ["NARU_LINKS_FRAMES_TRANSPORTS": "shared-memory"])
        #expect(settings.request.requirements.transports == nil)
    }

    @Test func `a message above the link's maximum raises the maximum`() async throws {
        let request = try await settings(["--message-size", "1GiB"]).request
        #expect(request.requirements.maximumMessageBytes == 1 << 30)
    }

    @Test(arguments: [["--compression", "gzip2"], ["--compression", "brotli"], ["--transport", "A B"]])
    func `a value that makes no sense is misuse`(arguments: [String]) async throws {
        await #expect(throws: ValidationError.self) { try await settings(arguments) }
    }

    @Test(arguments: [
        ["send"], ["send", "Frames"], ["send", "a/b"], ["send", "frames", "--wait", "nan"],
        ["send", "frames", "--wait=-1"], ["send", "frames", "--message-size", "0"], ["receive", "x", "--count=-1"],
        ["explain", "x", "--locality", "moon"], ["explain", "x", "--direction", "up"], ["explain", "--readers", "0"],
        ["fly"],
    ])
    func `a command line that makes no sense is misuse`(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try NaruCommand.parseAsRoot(arguments) }
        #expect(error.map { NaruCommand.exitCode(for: $0) } == .validationFailure)
    }

    @Test func `standard input is the file where none is named`() throws {
        let command = try #require(try NaruCommand.parseAsRoot(["send", "frames"]) as? SendCommand)
        #expect(command.file == "-")
        #expect(command.options.wait == 30)
        #expect(command.options.recordBytes == 65_536)
    }
}
