// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// The command moves files between two processes: identical bytes, in either start order.
@Suite(.serialized, .timeLimit(.minutes(5))) struct TransferTests {
    static let transports = ["auto", "shared-memory", "unix-socket", "fifo", "posix-queue", "sysv-queue"]
    static let codecs = ["off", "zstd"]
    static let sizes = [0, 1, 65_535, 65_537, 3 << 20]

    private func transfer(
        _ byteCount: Int, transport: String, codec: String, receiverFirst: Bool, extra: [String] = []
    ) throws {
        let stage = try Stage()
        let input = try stage.file("input", byteCount: byteCount)
        let output = stage.folder + "/output"
        let environment = transport == "auto" ? [:] : ["NARU_LINKS_X_TRANSPORTS": transport]
        let options = ["--compression", codec, "--json"]
        let receive = ["receive", "local:x", "--output", output] + options
        let send = ["send", "local:x", input] + options + extra
        let first = try stage.naru(receiverFirst ? receive : send, environment: environment)
        let second = try stage.naru(receiverFirst ? send : receive, environment: environment)
        try expectSuccess(of: first)
        try expectSuccess(of: second)
        #expect(try stage.areEqual(input, output))
        let summary = try second.line()
        let chosen = transport == "auto" ? "shared-memory" : transport
        #expect(summary.contains(#""transport":"\#(chosen)""#), "\(summary)")
        #expect(summary.contains(#""bytes":\#(byteCount)"#), "\(summary)")
    }

    @Test(arguments: transports, codecs)
    func filesOfEverySizeArriveWhole(_ transport: String, _ codec: String) throws {
        for (index, size) in Self.sizes.enumerated() {
            try transfer(size, transport: transport, codec: codec, receiverFirst: index.isMultiple(of: 2))
        }
    }

    @Test(arguments: transports.dropFirst(), [true, false])
    func sixtyFourMebibytesArriveWhole(_ transport: String, _ receiverFirst: Bool) throws {
        try transfer(64 << 20, transport: transport, codec: "off", receiverFirst: receiverFirst)
    }

    /// One message of the largest size, in fragments where the lane's records are smaller.
    @Test(arguments: transports.dropFirst(), codecs)
    func oneMessageOfSixtyFourMebibytes(_ transport: String, _ codec: String) throws {
        try transfer(
            64 << 20, transport: transport, codec: codec, receiverFirst: true, extra: ["--message-size", "64MiB"])
    }

    /// The other end is a program that the command starts, and which inherits the link.
    @Test(arguments: ["auto", "pipe"], [true, false])
    func aStartedProgramHasTheOtherEnd(_ transport: String, _ startsReceiver: Bool) throws {
        for size in Self.sizes + [64 << 20] { try transfer(size, transport, startsReceiver: startsReceiver) }
    }

    private func transfer(_ byteCount: Int, _ transport: String, startsReceiver: Bool) throws {
        let stage = try Stage()
        let input = try stage.file("input", byteCount: byteCount)
        let output = stage.folder + "/output"
        let receive = ["receive", "x", "--output", output, "--quiet"]
        let send = ["send", "x", input, "--quiet"]
        let first = (startsReceiver ? send : receive) + ["--json", "--", Stage.built("naru")]
        let command = try stage.naru(
            first + (startsReceiver ? receive : send),
            environment: transport == "auto" ? [:] : ["NARU_LINKS_X_TRANSPORTS": transport])
        try expectSuccess(of: command)
        #expect(try stage.areEqual(input, output))
        let summary = try #require(try command.allLines().last { $0.contains("wireBytes") })
        let chosen = transport == "auto" ? "shared-memory" : transport
        #expect(summary.contains(#""transport":"\#(chosen)","locality":"related-process""#), "\(summary)")
        #expect(summary.contains(#""bytes":\#(byteCount)"#), "\(summary)")
        #expect(try FileSystem.list(stage.folder + "/run").isEmpty)
    }

    @Test func aStartedProgramThatFailsIsAFailure() throws {
        let stage = try Stage()
        let input = try stage.file("input", byteCount: 10)
        let command = try stage.naru(["send", "x", input, "--", "false"])
        #expect(command.end() == .exited(1))
        let errors = try command.allErrors()
        #expect(errors.contains { $0.contains("exited with code 1") }, "\(errors)")
        let missing = try stage.naru(["send", "x", input, "--", "no-such-program"])
        #expect(missing.end() == .exited(1))
        #expect(try missing.allErrors().contains { $0.contains("no such program") })
    }

    /// Records of a log, one a message, compressed with history where both ends keep it: an end that wants each message
    /// by itself has its way, and the other follows.
    @Test(arguments: transports.dropFirst(), [("zstd", "zstd"), ("zstd:3", "auto"), ("zstd:per-message", "zstd")])
    func recordsArriveSmall(_ transport: String, _ compression: (send: String, receive: String)) throws {
        for extra in [["--lines"], ["--message-size", "500"], ["--message-size", "100KiB"]] {
            let stage = try Stage()
            let input = try stage.records("input", count: 6000)
            let output = stage.folder + "/output"
            let environment = ["NARU_LINKS_X_TRANSPORTS": transport]
            let receive = try stage.naru(
                ["receive", "local:x", "--output", output, "--compression", compression.receive, "--json"]
                    + (extra == ["--lines"] ? extra : []),
                environment: environment)
            let send = try stage.naru(
                ["send", "local:x", input, "--compression", compression.send, "--json"] + extra,
                environment: environment)
            try expectSuccess(of: send)
            try expectSuccess(of: receive)
            #expect(try stage.areEqual(input, output))
            let (bytes, wire) = try wireBytes(in: try send.line())
            #expect(try wireBytes(in: try receive.line()) == (bytes, wire))
            if compression.send != "zstd:per-message" {
                #expect(wire < bytes / 2, "\(extra): \(wire) of \(bytes)")
            } else if extra != ["--message-size", "100KiB"] {
                #expect(wire == bytes, "by themselves such messages are too small")
            }
        }
    }

    private func wireBytes(in summary: String) throws -> (bytes: Int, wire: Int) {
        let found = try #require(summary.firstMatch(of: /"bytes":([0-9]+),"wireBytes":([0-9]+)/), "\(summary)")
        return (try #require(Int(found.1)), try #require(Int(found.2)))
    }
}
