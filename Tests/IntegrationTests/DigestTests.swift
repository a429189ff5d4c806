// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// Much data in messages of random sizes from 0 to 1 MiB, one way and both ways, between processes; the digests of what
/// was sent and of what came are compared. `NARU_TEST_BYTES=1073741824` moves a gibibyte instead of a tenth.
@Suite(.serialized, .timeLimit(.minutes(20))) struct DigestTests {
    private static let byteCount = HostInformation.environment("NARU_TEST_BYTES").flatMap(Int.init) ?? (1 << 30) / 10

    private func digest(_ stage: Stage, _ path: String) throws -> String {
        let program = try stage.start("/usr/bin/sha256sum", [path])
        let line = try program.line()
        #expect(program.end() == .exited(0))
        return String(line.prefix(64))
    }

    private func expectSame(_ stage: Stage, _ pairs: (String, String)...) throws {
        for (input, output) in pairs {
            let found = try digest(stage, output)
            #expect(try digest(stage, input) == found)
        }
    }

    private func environment(_ transport: String) -> [String: String] { ["NARU_LINKS_BULK_TRANSPORTS": transport] }

    /// What a process printed, which ended well.
    private func said(by program: Running) throws -> [String] {
        let lines = try program.allLines()
        try expectSuccess(of: program)
        return lines
    }

    @Test(arguments: ["fifo", "tcp"]) func oneWay(over transport: String) throws {
        let stage = try Stage()
        let input = try stage.file("input", byteCount: Self.byteCount)
        let output = stage.folder + "/output"
        let receiver = try stage.peer(["random-receive", "bulk", output, "3"], environment: environment(transport))
        let sender = try stage.peer(["random-send", "bulk", input, "3"], environment: environment(transport))
        for lines in [try said(by: sender), try said(by: receiver)] {
            #expect(lines.contains("linked \(transport) same-host"), "\(lines)")
            #expect(lines.last?.hasSuffix(" \(Self.byteCount)") == true, "\(lines)")
        }
        try expectSame(stage, (input, output))
    }

    @Test(arguments: ["fifo", "tcp"]) func bothWays(over transport: String) throws {
        let stage = try Stage()
        let inputs = try ["a", "b"].map { try stage.file($0, byteCount: Self.byteCount / 2) }
        let outputs = ["c", "d"].map { stage.folder + "/" + $0 }
        let listener = try stage.peer(
            ["random-listen", "bulk", inputs[0], outputs[1], "5"], environment: environment(transport))
        let dialer = try stage.peer(
            ["random-dial", "bulk", inputs[1], outputs[0], "5"], environment: environment(transport))
        for lines in [try said(by: dialer), try said(by: listener)] {
            #expect(lines.contains("linked \(transport) same-host"), "\(lines)")
        }
        try expectSame(stage, (inputs[0], outputs[0]), (inputs[1], outputs[1]))
    }

    @Test(arguments: [true, false])
    func oneWayOverAPipe(_ parentSends: Bool) throws {
        let stage = try Stage()
        let input = try stage.file("input", byteCount: Self.byteCount)
        let output = stage.folder + "/output"
        let send = ["random-send", "bulk", input, "3"]
        let receive = ["random-receive", "bulk", output, "3"]
        let arguments =
            parentSends
            ? ["parent-random-send", "bulk", input, "3"] + receive
            : ["parent-random-receive", "bulk", output, "3"] + send
        let lines = try said(by: try stage.peer(arguments, environment: environment("pipe")))
        #expect(lines.contains("linked pipe related-process"), "\(lines)")
        #expect(lines.contains("parent linked pipe"), "\(lines)")
        #expect(lines.suffix(2) == ["parent: child exited 0", "parent: reaped"], "\(lines)")
        try expectSame(stage, (input, output))
    }

    @Test func bothWaysOverPipes() throws {
        let stage = try Stage()
        let inputs = try ["a", "b"].map { try stage.file($0, byteCount: Self.byteCount / 2) }
        let outputs = ["c", "d"].map { stage.folder + "/" + $0 }
        let parent = try stage.peer(
            [
                "parent-random-both", "bulk", inputs[0], outputs[1], "5", "random-dial", "bulk", inputs[1], outputs[0],
                "5",
            ],
            environment: environment("pipe"))
        let lines = try said(by: parent)
        #expect(lines.contains("parent linked pipe"), "\(lines)")
        #expect(lines.suffix(2) == ["parent: child exited 0", "parent: reaped"], "\(lines)")
        try expectSame(stage, (inputs[0], outputs[0]), (inputs[1], outputs[1]))
    }
}
