// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruSystem
import Testing

/// Two processes that meet at an address of a network, on loopback.
@Suite(.serialized, .timeLimit(.minutes(5))) struct NetworkTests {
    static let hosts = ["127.0.0.1", "[::1]", "localhost"]
    private static let forced = ["NARU_LINKS_X_TRANSPORTS": "tcp"]

    /// Ends that share a host come together there in the same connect, by the nearest transport that policy permits.
    @Test(arguments: [
        ([:], "shared-memory same-host"), (["NARU_LINKS_X_DENY": "shared-memory"], "unix-socket same-host"),
        (["NARU_LINKS_X_TRANSPORTS": "tcp"], "tcp remote"),
        (["NARU_LINKS_X_TRANSPORTS": "tcp,unix-socket"], "unix-socket same-host"),
    ])
    func endsOnOneHostComeTogether(_ environment: [String: String], _ expected: String) throws {
        for isReceiverFirst in [true, false] {
            let stage = try Stage()
            let address = "tcp:127.0.0.1:\(try Loopback.freePort())/x"
            try expectTransfer(
                stage, address, byteCount: 3 << 20, receiver: environment, sender: environment,
                isReceiverFirst: isReceiverFirst, expected: expected)
        }
    }

    /// Either end's policy keeps the two on the network, and the decision says so.
    @Test(arguments: [true, false]) func eitherEndsPolicyKeepsThemApart(_ isReceivers: Bool) throws {
        let stage = try Stage()
        let address = "tcp:127.0.0.1:\(try Loopback.freePort())/x"
        try expectTransfer(
            stage, address, byteCount: 1 << 20, receiver: isReceivers ? Self.forced : [:],
            sender: isReceivers ? [:] : Self.forced, isReceiverFirst: true, expected: "tcp remote")
    }

    @Test(arguments: hosts, [true, false])
    func messagesOfRandomSizesArriveWhole(_ host: String, _ isReceiverFirst: Bool) throws {
        let stage = try Stage()
        let address = "tcp:\(host):\(try Loopback.freePort())/x"
        try expectTransfer(
            stage, address, byteCount: 24 << 20, receiver: Self.forced, sender: Self.forced,
            isReceiverFirst: isReceiverFirst, expected: "tcp remote")
    }

    @Test(arguments: [true, false]) func bothWaysAtOnce(_ isListenerFirst: Bool) throws {
        let stage = try Stage()
        let link = "tcp:127.0.0.1:\(try Loopback.freePort())/x"
        try expectExchange(stage, link, Self.forced, isListenerFirst: isListenerFirst)
    }

    /// By a name of this host TCP is a transport like the others, over loopback.
    @Test func aNameOfThisHostMayBeCarriedByTCP() throws {
        let stage = try Stage()
        try expectTransfer(
            stage, "x", byteCount: 8 << 20, receiver: Self.forced, sender: Self.forced, isReceiverFirst: true,
            expected: "tcp same-host")
    }

    @Test(arguments: [true, false]) func aPeerThatIsKilledIsMissed(_ isSenderKilled: Bool) throws {
        let stage = try Stage()
        let link = "tcp:127.0.0.1:\(try Loopback.freePort())/x"
        let sent = try Progress(path: stage.folder + "/sent")
        let taken = try Progress(path: stage.folder + "/taken")
        let receiver = try stage.peer(["receive", link, stage.folder + "/taken"], environment: Self.forced)
        let sender = try stage.peer(
            ["send", link, "1000000000", "200", stage.folder + "/sent"], environment: Self.forced)
        #expect(try receiver.line() == "linked tcp")
        #expect(try sender.line() == "linked tcp")
        try taken.reach(2_000)
        let (victim, survivor) = isSenderKilled ? (sender, receiver) : (receiver, sender)
        victim.kill()
        #expect(victim.end() == .killed(Signals.kill))
        let last = try survivor.line()
        #expect(last.hasPrefix("error peerVanished "), "\(last)")
        if isSenderKilled { #expect(taken.count >= sent.count) }
    }

    @Test(arguments: [true, false]) func anIdlePeerThatIsKilledIsMissed(_ isSenderKilled: Bool) throws {
        let stage = try Stage()
        let link = "tcp:127.0.0.1:\(try Loopback.freePort())/x"
        let receiver = try stage.peer(["hold-receiver", link], environment: Self.forced)
        let sender = try stage.peer(["hold-sender", link], environment: Self.forced)
        #expect(try receiver.line() == "linked tcp")
        #expect(try sender.line() == "linked tcp")
        let (victim, survivor) = isSenderKilled ? (sender, receiver) : (receiver, sender)
        victim.kill()
        #expect(victim.end() == .killed(Signals.kill))
        if !isSenderKilled { sender.closeInput() }
        let last = try survivor.line()
        #expect(last.hasPrefix("error peerVanished "), "\(last)")
    }

    /// The command, in both ways of saying where to listen.
    @Test(arguments: [["--transport", "tcp"], []]) func theCommandMeetsAtAnAddress(_ extra: [String]) throws {
        for listen in [true, false] {
            let stage = try Stage()
            let input = try stage.file("input", byteCount: 1 << 20)
            let output = stage.folder + "/output"
            let address = "tcp:127.0.0.1:\(try Loopback.freePort())"
            let receive = try stage.naru(
                ["receive"] + (listen ? ["--listen", address] : [address]) + ["--output", output, "--json"] + extra)
            let send = try stage.naru(["send", address, input, "--json"] + extra)
            try expectSuccess(of: send)
            try expectSuccess(of: receive)
            #expect(try stage.areEqual(input, output))
            let summary = try send.line()
            let expected =
                extra.isEmpty
                ? #""transport":"shared-memory","locality":"same-host""# : #""transport":"tcp","locality":"remote""#
            #expect(summary.contains(expected), "\(summary)")
        }
    }

    /// Ports of loopback are open to every user of the host, but links are not.
    @Test func anotherUserOfTheHostIsRefused() throws {
        let stage = try Stage()
        let setpriv = "/usr/bin/setpriv"
        let flags = ["--reuid", "12345", "--regid", "12345", "--clear-groups"]
        guard try stage.start(setpriv, flags + ["/bin/true"]).end() == .exited(0) else {
            return print("not tried: setpriv is not permitted here")
        }
        func stranger(_ mode: [String], _ environment: [String: String] = [:]) throws -> Running {
            try stage.start(
                setpriv, flags + [Stage.built("NaruIntegrationPeer")] + mode,
                environment: environment.merging(["NARU_RUNTIME_DIR": "/nowhere"]) { $1 })
        }
        let link = "tcp:127.0.0.1:\(try Loopback.freePort())/x"
        for environment in [[:], Self.forced] {
            let receiver = try stage.peer(["meet-receive", link], environment: environment)
            let bold = try stranger(["dial", link, "20000"], environment)
            let refused = try bold.line()
            #expect(refused.hasPrefix("error refused ") && refused.contains("not the user of this end"), "\(refused)")
            // The listener goes on.
            let own = try stage.peer(["meet-send", link], environment: environment)
            #expect(try own.line().hasPrefix("linked "))
            #expect(try receiver.line().hasPrefix("linked "))
            try expectSuccess(of: own)
            try expectSuccess(of: receiver)
        }
        let squatter = try stranger(["meet-receive", link])
        let dialer = try stage.peer(["dial", link, "20000"])
        let warned = try dialer.line()
        #expect(warned.hasPrefix("error refused ") && warned.contains("user 12345 listens"), "\(warned)")
        squatter.kill()
        _ = squatter.end()
        // Where the wire is trusted, so are they.
        let insecure = Self.forced.merging(["NARU_LINKS_X_INSECURE": "true"]) { $1 }
        let open = try stage.peer(["meet-receive", link], environment: insecure)
        let guest = try stranger(["meet-send", link], insecure)
        #expect(try guest.line().hasPrefix("linked tcp remote"))
        #expect(try open.line().hasPrefix("linked tcp remote"))
        try expectSuccess(of: guest)
        try expectSuccess(of: open)
    }

    @Test func theCommandRefusesWhatIsNotLoopback() throws {
        let stage = try Stage()
        let input = try stage.file("input", byteCount: 1)
        for arguments in [["receive", "--listen", "tcp:*:9"], ["send", "tcp:192.0.2.1:9", input]] {
            let command = try stage.naru(arguments)
            #expect(command.end() == .exited(1))
            let said = try command.allErrors().joined()
            #expect(said.contains("loopback") && said.contains("insecure"), "\(said)")
        }
    }
}

/// One file from one process to another in messages of random sizes; equal by SHA-256.
func expectTransfer(
    _ stage: Stage, _ link: String, byteCount: Int, receiver: [String: String], sender: [String: String],
    isReceiverFirst: Bool, expected: String
) throws {
    let input = try stage.random("input", byteCount: byteCount)
    let output = stage.folder + "/output"
    let seed = "\(byteCount + 1)"
    let start: [() throws -> Running] = [
        { try stage.peer(["random-receive", link, output, seed], environment: receiver) },
        { try stage.peer(["random-send", link, input, seed], environment: sender) },
    ]
    let ends = [try start[isReceiverFirst ? 0 : 1](), try start[isReceiverFirst ? 1 : 0]()]
    try expectWhole(stage, ends, expected: expected, byteCount: byteCount, [(input, output)])
}

/// A file each way over one channel.
func expectExchange(
    _ stage: Stage, _ link: String, _ environment: [String: String], isListenerFirst: Bool
) throws {
    let inputs = [try stage.random("near", byteCount: 9 << 20), try stage.random("far", byteCount: 7 << 20)]
    let outputs = [stage.folder + "/near-there", stage.folder + "/far-there"]
    let start: [() throws -> Running] = [
        { try stage.peer(["random-listen", link, inputs[0], outputs[1], "5"], environment: environment) },
        { try stage.peer(["random-dial", link, inputs[1], outputs[0], "5"], environment: environment) },
    ]
    let ends = [try start[isListenerFirst ? 0 : 1](), try start[isListenerFirst ? 1 : 0]()]
    try expectWhole(
        stage, ends, expected: "tcp remote", byteCount: 16 << 20, [(inputs[0], outputs[0]), (inputs[1], outputs[1])])
}

/// What both ends say, and the files.
@discardableResult
func expectWhole(
    _ stage: Stage, _ ends: [Running], expected: String, byteCount: Int, _ files: [(String, String)]
) throws -> [String] {
    var reasons: [String] = []
    for end in ends {
        let first = try end.line()
        #expect(first == "linked \(expected)")
        var last = try end.line()
        while last.hasPrefix("reason ") {
            reasons.append(last)
            last = try end.line()
        }
        #expect(last.hasPrefix("finished ") && last.hasSuffix(" \(byteCount)"), "\(last)")
    }
    for end in ends { try expectSuccess(of: end) }
    for (input, output) in files { #expect(try stage.digest(input) == stage.digest(output)) }
    return reasons
}

extension Stage {
    /// A file of random bytes.
    func random(_ name: String, byteCount: Int) throws -> String {
        let path = folder + "/" + name
        let copy = try start(
            "/usr/bin/head", ["-c", "\(byteCount)", "/dev/urandom"],
            output: FileSystem.open(
                path, [.write, .create, .truncate], permissions: 0o600))
        try expectSuccess(of: copy)
        return path
    }

    /// A file's SHA-256.
    func digest(_ path: String) throws -> String {
        let tool = try start("/usr/bin/sha256sum", [path])
        let line = try tool.line()
        try expectSuccess(of: tool)
        return String(line.prefix(64))
    }
}
