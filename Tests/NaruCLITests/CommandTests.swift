// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// The built command, run as a user runs it: several processes, real files.
@Suite struct CommandTests {
    private static let data = (0..<1_000_003).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) }

    /// Which end starts first.
    enum First: CaseIterable { case sender, receiver }

    @Test(arguments: First.allCases, ["auto", "shared-memory", "unix-socket"])
    func `a file arrives, whichever end starts first`(first: First, transport: String) throws {
        try Workshop.with { workshop in
            let file = try workshop.file("data", Self.data)
            let output = workshop.path + "/arrived"
            func send() throws -> Workshop.Run {
                try workshop.start("send", "frames", file, "--transport", transport, "--json")
            }
            func receive() throws -> Workshop.Run {
                try workshop.start("receive", "frames", "--output", output, "--json")
            }
            let (sender, receiver): (Workshop.Run, Workshop.Run)
            switch first {
            case .sender: (sender, receiver) = (try send(), try receive())
            case .receiver:
                receiver = try receive()
                sender = try send()
            }
            let sent = try sender.finish()
            let received = try receiver.finish()
            #expect(sent.code == 0, "\(sent.errors)")
            #expect(received.code == 0, "\(received.errors)")
            #expect(try Workshop.bytes(output) == Self.data)
            let wanted = transport == "auto" ? "" : transport
            for line in [sent.output, received.output] {
                #expect(line.hasPrefix(#"{"transport":"\#(wanted)"#))
                #expect(line.contains(#","locality":"same-host","direction":"simplex","messages":16,"bytes":1000003,"#))
                #expect(line.contains(#""wireBytes":1000003,"seconds":"#))
                #expect(line.hasSuffix(#","codec":null}"# + "\n"))
            }
        }
    }

    @Test func `an empty file is no message`() throws {
        try Workshop.with { workshop in
            let output = try workshop.file("arrived", [1, 2, 3])
            let receiver = try workshop.start("receive", "frames", "--output", output)
            let sent = try workshop.start("send", "frames", try workshop.file("empty", []), "--json").finish()
            #expect(sent.output.contains(#""messages":0,"bytes":0,"wireBytes":0,"#), "\(sent.errors)")
            #expect(try receiver.finish().code == 0)
            #expect(try Workshop.bytes(output).isEmpty)
        }
    }

    @Test func `standard streams carry data, and the summary is beside it`() throws {
        try Workshop.with { workshop in
            let file = try workshop.file("data", Self.data)
            let receiver = try workshop.start("receive", "frames", "--json")
            let sent = try workshop.start("send", "frames", input: file).finish()
            let received = try receiver.finish()
            #expect(sent.output.hasPrefix("sent 16 messages, 976.6 KiB in "), "\(sent.errors)")
            #expect(received.errors.hasPrefix(#"{"transport":"#))
            #expect(received.output == String(decoding: Self.data, as: UTF8.self))
        }
    }

    @Test func `lines are messages`() throws {
        try Workshop.with { workshop in
            let file = try workshop.file("lines", Array("one\n\nthree".utf8))
            let receiver = try workshop.start("receive", "frames", "--lines")
            let sent = try workshop.start("send", "frames", file, "--lines", "--json").finish()
            #expect(sent.output.contains(#""messages":3,"bytes":8,"#), "\(sent.errors)")
            #expect(try receiver.finish().output == "one\n\nthree\n")
        }
    }

    #if Zstd
        @Test func `a forced codec shows in the result`() throws {
            try Workshop.with { workshop in
                let text = [UInt8](repeating: 7, count: 200_000)
                let output = workshop.path + "/arrived"
                let receiver = try workshop.start("receive", "frames", "--output", output, "--json")
                let file = try workshop.file("data", text)
                let sent = try workshop.start("send", "frames", file, "--compression", "zstd:1", "--json").finish()
                #expect(sent.output.hasSuffix(#","codec":"zstd"}"# + "\n"), "\(sent.errors)")
                #expect(!sent.output.contains(#""wireBytes":200000"#))
                #expect(try receiver.finish().output.contains(#""bytes":200000,"#))
                #expect(try Workshop.bytes(output) == text)
            }
        }
    #endif

    @Test func `a count ends the receiver, and a sender with no more than that is content`() throws {
        try Workshop.with { workshop in
            let file = try workshop.file("data", [UInt8](repeating: 1, count: 30))
            let receiver = try workshop.start("receive", "frames", "--count", "3", "--json")
            let sent = try workshop.start("send", "frames", file, "--message-size", "10").finish()
            #expect(sent.code == 0, "\(sent.errors)")
            let received = try receiver.finish()
            #expect(received.code == 0)
            #expect(received.output.utf8.count == 30)
        }
    }

    @Test func `a count leaves what comes after it`() throws {
        try Workshop.with { workshop in
            let file = try workshop.file("data", Array("aabbcc".utf8))
            let receiver = try workshop.start("receive", "frames", "--count", "2")
            let sent = try workshop.start("send", "frames", file, "--message-size", "2").finish()
            #expect(sent.code == 1)
            #expect(sent.errors.hasPrefix("naru: "))
            let received = try receiver.finish()
            #expect(received.code == 0, "\(received.errors)")
            #expect(received.output == "aabb")
        }
    }

    @Test func `a full device ends the receiver with one line, and the sender too`() throws {
        try Workshop.with { workshop in
            let file = try workshop.file("data", Self.data)
            let receiver = try workshop.start("receive", "frames", "--output", "/dev/full")
            let sent = try workshop.start("send", "frames", file).finish()
            #expect(sent.code == 1)
            let received = try receiver.finish()
            #expect(received.code == 1)
            #expect(received.errors.hasPrefix("naru: write /dev/full: No space left on device; "))
            #expect(received.errors.split(separator: "\n").count == 1)
        }
    }

    @Test func `nobody there is an error that says where was looked`() throws {
        try Workshop.with { workshop in
            let run = try workshop.start("send", "frames", "--wait", "0.05").finish()
            #expect(run.code == 1)
            #expect(run.errors.contains("\(workshop.path)/run/frames.sock"))
            #expect(run.output.isEmpty)
        }
    }

    @Test(arguments: [
        ["send", "frames", "/nowhere"], ["send", "frames", "/tmp"], ["receive", "frames", "--output", "/nowhere/x"],
        ["send", "tcp://host:1"],
    ])
    func `a failure is one line and exit code 1`(arguments: [String]) throws {
        try Workshop.with { workshop in
            let run = try workshop.start(arguments).finish()
            #expect(run.code == 1)
            #expect(run.errors.hasPrefix("naru: "))
            #expect(run.errors.split(separator: "\n").count == 1)
        }
    }

    @Test(arguments: [
        ["send", "frames", "--compression", "brotli"], ["send", "Frames"], ["explain", "x", "--size", "many"], ["fly"],
    ])
    func `misuse is exit code 64`(arguments: [String]) throws {
        try Workshop.with { workshop in
            let run = try workshop.start(arguments).finish()
            #expect(run.code == 64)
            #expect(run.output.isEmpty)
            #expect(!run.errors.isEmpty)
        }
    }

    @Test func `explain shows the source of each value`() throws {
        try Workshop.with { workshop in
            let environment = ["NARU_LINKS_FRAMES_TRANSPORTS=unix-socket"]
            let run = try workshop.start("explain", "frames", "--size", "1MiB", environment: environment).finish()
            #expect(run.code == 0, "\(run.errors)")
            #expect(run.output.contains("environment NARU_LINKS_FRAMES_TRANSPORTS"))
            #expect(run.output.contains("--size"))
            let json = try workshop.start("explain", "frames", "--json", environment: environment).finish()
            #expect(
                json.output.contains(
                    #""transports":{"source":"environment NARU_LINKS_FRAMES_TRANSPORTS","value":["unix-socket"]}"#))
        }
    }

    @Test func `doctor finds this host fit, and leaves nothing`() throws {
        try Workshop.with { workshop in
            let run = try workshop.start("doctor").finish()
            #expect(run.code == 0, "\(run.output)")
            #expect(run.output.hasPrefix("Host\n"))
            #expect(throws: SystemError.self) { try FileSystem.list(workshop.path + "/run") }
            #expect(try workshop.start("doctor", "--json").finish().output.hasPrefix(#"{"works":true,"#))
        }
    }
}
