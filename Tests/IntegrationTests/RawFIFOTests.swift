// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// FIFOs whose other end is a program that knows nothing of Naru: `cat`, `dd`, a shell.
@Suite(.serialized, .timeLimit(.minutes(3))) struct RawFIFOTests {
    private func fifo(_ stage: Stage) throws -> String {
        let path = stage.folder + "/fifo"
        try FileSystem.makeFIFO(path, permissions: 0o600)
        return path
    }

    private func shell(_ stage: Stage, _ script: String) throws -> Running {
        try stage.start("/bin/sh", ["-c", script])
    }

    @Test(arguments: [0, 1, 65_537, 3 << 20], [true, false])
    func bytesFromCatArriveWhole(_ byteCount: Int, _ receiverFirst: Bool) throws {
        let stage = try Stage()
        let path = try fifo(stage)
        let input = try stage.file("input", byteCount: byteCount)
        let output = stage.folder + "/output"
        func receive() throws -> Running {
            try stage.naru(["receive", "fifo:\(path)", "--raw", "--output", output, "--json"])
        }
        let early = receiverFirst ? try receive() : nil
        let writer = try shell(stage, "cat \(input) > \(path)")
        let receiver = try early ?? receive()
        try expectSuccess(of: receiver)
        #expect(writer.end() == .exited(0))
        #expect(try stage.areEqual(input, output))
        let summary = try receiver.line()
        #expect(summary.contains(#""transport":"fifo""#), "\(summary)")
        #expect(summary.contains(#""bytes":\#(byteCount)"#), "\(summary)")
    }

    @Test(arguments: [0, 1, 65_537, 3 << 20], [true, false])
    func bytesForDdArriveWhole(_ byteCount: Int, _ senderFirst: Bool) throws {
        let stage = try Stage()
        let path = try fifo(stage)
        let input = try stage.file("input", byteCount: byteCount)
        let output = stage.folder + "/output"
        func send() throws -> Running {
            try stage.naru(["send", "fifo:\(path)", input, "--raw", "--message-size", "10000", "--json"])
        }
        let early = senderFirst ? try send() : nil
        let reader = try shell(stage, "dd if=\(path) of=\(output) bs=4096 status=none")
        let sender = try early ?? send()
        try expectSuccess(of: sender)
        #expect(reader.end() == .exited(0))
        #expect(try stage.areEqual(input, output))
    }

    @Test func linesBothWays() throws {
        let stage = try Stage()
        let path = try fifo(stage)
        let input = try stage.records("input", count: 5000)
        let output = stage.folder + "/output"
        let counting = try shell(stage, "wc -l < \(input)")
        let count = try counting.line()
        #expect(counting.end() == .exited(0))
        let reader = try shell(stage, "wc -l < \(path)")
        let sender = try stage.naru(["send", "fifo:\(path)", input, "--raw", "--lines", "--json"])
        try expectSuccess(of: sender)
        #expect(try reader.line() == count)
        #expect(reader.end() == .exited(0))

        let receiver = try stage.naru(["receive", "fifo:\(path)", "--raw", "--lines", "--output", output, "--json"])
        #expect(try shell(stage, "cat < \(input) > \(path)").end() == .exited(0))
        try expectSuccess(of: receiver)
        #expect(try stage.areEqual(input, output))
        #expect(try receiver.line().contains(#""messages":\#(count),"#))
    }

    /// What follows the last newline is a message; so is nothing between two.
    @Test func aLastLineWithoutItsNewline() throws {
        let stage = try Stage()
        let path = try fifo(stage)
        let receiver = try stage.naru(["receive", "fifo:\(path)", "--raw", "--lines"])
        #expect(try shell(stage, "printf 'one\\n\\nthree' > \(path)").end() == .exited(0))
        #expect(receiver.end() == .exited(0))
        #expect(try receiver.line() == "one")
        #expect(try receiver.line() == "")
        #expect(try receiver.line() == "three")
    }

    @Test func aReaderThatTakesSomeAndGoes() throws {
        let stage = try Stage()
        let path = try fifo(stage)
        let input = try stage.file("input", byteCount: 8 << 20)
        let reader = try shell(stage, "head -c 100000 \(path) > \(stage.folder)/head")
        let sender = try stage.naru(["send", "fifo:\(path)", input, "--raw"])
        #expect(sender.end() == .exited(1))
        #expect(reader.end() == .exited(0))
        let errors = try sender.allErrors()
        #expect(errors.contains { $0.contains("the peer died or closed") }, "\(errors)")
    }

    @Test func whatIsNoFIFOIsRefused() throws {
        let stage = try Stage()
        let file = try stage.file("file", byteCount: 10)
        for (address, reason) in [
            ("fifo:\(file)", "what lies there is no FIFO"), ("fifo:/dev/null", "what lies there is no FIFO"),
            ("fifo:\(stage.folder)/none", "there is no FIFO"),
        ] {
            for command in [["receive", address, "--raw"], ["send", address, file, "--raw"]] {
                let program = try stage.naru(command + ["--wait", "0.05"])
                #expect(program.end() == .exited(1))
                let errors = try program.allErrors()
                #expect(errors.contains { $0.contains(reason) }, "\(errors)")
            }
        }
        let path = try fifo(stage)
        let alone = try stage.naru(["send", "fifo:\(path)", file, "--raw", "--wait", "0.05"])
        #expect(alone.end() == .exited(1))
        #expect(try alone.allErrors().contains { $0.contains("nobody reads") })
        let forgotten = try stage.naru(["send", "fifo:\(path)", file, "--wait", "0.05"])
        #expect(forgotten.end() == .exited(1))
        #expect(try forgotten.allErrors().contains { $0.contains("--raw") })
    }
}
