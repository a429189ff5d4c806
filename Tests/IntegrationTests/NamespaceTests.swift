// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// Ends in different namespaces of one kernel, ends of different users, and a host that says it is another.
///
/// They need what only root, or a kernel that lets users make namespaces, can do; where that is not permitted, a test
/// prints so and tries nothing.
@Suite(.serialized, .timeLimit(.minutes(2))) struct NamespaceTests {
    /// The kinds of namespace, each with what makes one.
    static let kinds: [(kind: String, flags: [String])] = [
        ("ipc", ["--ipc"]), ("pid", ["--pid", "--fork", "--kill-child"]), ("user", ["--user", "--map-root-user"]),
        ("mnt", ["--mount"]), ("net", ["--net"]), ("uts", ["--uts"]), ("cgroup", ["--cgroup"]),
    ]
    private static let unshare = "/usr/bin/unshare"
    private static let setpriv = "/usr/bin/setpriv"
    private static let shell = "/bin/sh"

    /// Whether a command can do here what a test needs; prints what it says where not.
    private func isPermitted(_ stage: Stage, _ executable: String, _ arguments: [String]) -> Bool {
        guard let trial = try? stage.start(executable, arguments + ["/bin/true"]) else {
            print("not tried: \(executable) is not on this host")
            return false
        }
        if trial.end() == .exited(0) { return true }
        let said = (try? trial.allErrors().joined(separator: " ")) ?? ""
        print("not tried: \(executable) \(arguments.joined(separator: " ")) is not permitted here: \(said)")
        return false
    }

    private func unshared(_ stage: Stage, _ flags: [String], _ arguments: [String]) throws -> Running {
        try stage.start(Self.unshare, flags + [Stage.built("NaruIntegrationPeer")] + arguments)
    }

    /// Waits until a listener's socket is there.
    private func awaitSocket(_ path: String) throws {
        let deadline = Deadline.after(.seconds(30))
        while (try? FileSystem.status(path, followingSymbolicLinks: false)) == nil {
            guard !deadline.isPast else { throw Lines.Silence(said: "no socket at \(path)") }
            Processor.yield()
        }
    }

    private func expectLinked(_ ends: [Running], apart kind: String) throws {
        for end in ends {
            let words = try end.line().split(separator: " ").map(String.init)
            #expect(words.starts(with: ["linked", "shared-memory", "same-host"]), "\(words)")
            let shared = Set(words.last?.split(separator: ",").map(String.init) ?? [])
            #expect(!shared.contains(kind))
            // What was not unshared is shared.
            #expect(shared.isSuperset(of: ["ipc", "mnt", "net", "uts"].filter { $0 != kind }), "\(shared)")
            #expect(try end.line() == "finished 200")
            try expectSuccess(of: end)
        }
    }

    @Test(arguments: kinds.indices) func endsInTwoNamespacesLink(_ index: Int) throws {
        let (kind, flags) = Self.kinds[index]
        let stage = try Stage()
        guard isPermitted(stage, Self.unshare, flags) else { return }
        for isReceiverApart in [true, false] {
            let receiver =
                isReceiverApart
                ? try unshared(stage, flags, ["meet-receive", "apart"]) : try stage.peer(["meet-receive", "apart"])
            let sender =
                isReceiverApart
                ? try stage.peer(["meet-send", "apart"]) : try unshared(stage, flags, ["meet-send", "apart"])
            try expectLinked([receiver, sender], apart: kind)
        }
    }

    /// A process of another PID namespace has no number here, or another one; its death is seen all the same.
    @Test(arguments: [true, false], ["shared-memory", "unix-socket", "tcp"])
    func aDeathIsSeenFromAnotherPIDNamespace(_ isVictimInside: Bool, _ transport: String) throws {
        let stage = try Stage()
        let flags = ["--pid", "--fork", "--kill-child"]
        guard isPermitted(stage, Self.unshare, flags) else { return }
        let environment = ["NARU_LINKS_APART_TRANSPORTS": transport]
        func end(_ mode: String, inside: Bool) throws -> Running {
            let peer = Stage.built("NaruIntegrationPeer")
            return inside
                ? try stage.start(Self.unshare, flags + [peer, mode, "apart"], environment: environment)
                : try stage.start(peer, [mode, "apart"], environment: environment)
        }
        let receiver = try end("hold-receiver", inside: !isVictimInside)
        let sender = try end("hold-sender", inside: isVictimInside)
        #expect(try sender.line() == "linked \(transport)")
        #expect(try receiver.line() == "linked \(transport)")
        sender.kill()
        let last = try receiver.line()
        #expect(last.hasPrefix("error peerKilled ") || last.hasPrefix("error peerVanished "), "\(last)")
    }

    /// In a user namespace without a user of its own, everybody has one number: it is nobody's, and not trusted.
    @Test func aUserWithoutANumberIsNotTrusted() throws {
        let stage = try Stage()
        guard isPermitted(stage, Self.unshare, ["--user"]) else { return }
        let receiver = try stage.peer(["meet-receive", "nobody"])
        try awaitSocket(stage.folder + "/run/nobody.sock")
        let sender = try unshared(stage, ["--user"], ["dial", "nobody", "500"])
        let last = try sender.line()
        #expect(last.hasPrefix("error unreachable ") && last.contains("not used: it belongs to user 65534"), "\(last)")
        let other = try stage.peer(["meet-send", "nobody"])
        try expectLinked([receiver, other], apart: "none")

        let inside = try unshared(stage, ["--user"], ["meet-receive", "nobody"])
        let refusal = try inside.line()
        #expect(refusal.hasPrefix("error system "), "\(refusal)")
    }

    /// A user that has that number in earnest is one like any other.
    @Test func nobodyIsAUserWhereEveryUserHasANumber() throws {
        let stage = try Stage()
        let flags = ["--reuid", "65534", "--regid", "65534", "--clear-groups"]
        guard isPermitted(stage, Self.setpriv, flags) else { return }
        let folder = "/tmp/naru-65534-\(String(SystemRandom.word(), radix: 36))"
        defer {
            for name in (try? FileSystem.list(folder)) ?? [] { try? FileSystem.remove(folder + "/" + name) }
            try? FileSystem.removeDirectory(folder)
        }
        func end(_ mode: String) throws -> Running {
            try stage.start(
                Self.setpriv, flags + [Stage.built("NaruIntegrationPeer"), mode, "nobody"],
                environment: ["NARU_RUNTIME_DIR": folder])
        }
        try expectLinked([try end("meet-receive"), try end("meet-send")], apart: "none")
    }

    /// Two mount namespaces, each with a folder of its own under one name: two names, not one.
    @Test func oneNameInTwoMountNamespacesIsTwo() throws {
        let stage = try Stage()
        guard isPermitted(stage, Self.unshare, ["--mount"]) else { return }
        let run = stage.folder + "/run"
        let peer = Stage.built("NaruIntegrationPeer")
        let apart = "mount -t tmpfs -o mode=0700 none '\(run)' && "
        // A link inside: nobody outside finds its listener.
        let both = "'\(peer)' meet-receive twice & '\(peer)' meet-send twice; wait"
        let inside = try stage.start(Self.unshare, ["--mount", Self.shell, "-c", apart + both])
        let lost = try stage.peer(["dial", "twice", "300"])
        let last = try lost.line()
        #expect(last.hasPrefix("error unreachable "), "\(last)")
        // Outside the name is free, and leads elsewhere.
        let receiver = try stage.peer(["meet-receive", "twice"])
        let sender = try stage.peer(["meet-send", "twice"])
        try expectLinked([receiver, sender], apart: "none")
        let said = try inside.allLines()
        #expect(said.filter { $0 == "finished 200" }.count == 2, "\(said)")
    }

    /// The kernel's word for the host's start is another at one end: the ends take each other for two hosts, and every
    /// local transport says why it is refused.
    @Test func aHostThatSaysItIsAnotherIsRefusedWithReasons() throws {
        let stage = try Stage()
        guard isPermitted(stage, Self.unshare, ["--mount"]) else { return }
        let file = try FileSystem.open(stage.folder + "/boot", [.write, .create], permissions: 0o600)
        let other = Array("01234567-89ab-cdef-0123-456789abcdef\n".utf8)
        _ = unsafe try other.withUnsafeBytes { unsafe try file.write($0) }
        let peer = Stage.built("NaruIntegrationPeer")
        let receiver = try stage.peer(["meet-receive", "elsewhere"])
        let sender = try stage.start(
            Self.unshare,
            [
                "--mount", Self.shell, "-c",
                "mount --bind '\(stage.folder)/boot' /proc/sys/kernel/random/boot_id && '\(peer)' dial elsewhere 20000",
            ])
        let last = try sender.line()
        #expect(last.hasPrefix("error noTransport "), "\(last)")
        for transport in ["in-process", "shared-memory", "unix-socket"] { #expect(last.contains(transport), "\(last)") }
        // The listener goes on, and takes one that is of its host.
        try expectLinked([receiver, try stage.peer(["meet-send", "elsewhere"])], apart: "none")
    }

    /// Without the kernel's word at one end or at both, the proof decides.
    @Test(arguments: [1, 2]) func aHostThatDoesNotSayWhichItIsIsTakenForThisOne(_ hidden: Int) throws {
        let stage = try Stage()
        guard isPermitted(stage, Self.unshare, ["--mount"]) else { return }
        _ = try FileSystem.open(stage.folder + "/boot", [.write, .create], permissions: 0o600)
        func end(_ mode: String, isHidden: Bool) throws -> Running {
            let hide = "mount --bind '\(stage.folder)/boot' /proc/sys/kernel/random/boot_id && "
            let command = "'\(Stage.built("NaruIntegrationPeer"))' \(mode) hidden"
            return try stage.start(Self.unshare, ["--mount", Self.shell, "-c", (isHidden ? hide : "") + command])
        }
        let receiver = try end("meet-receive", isHidden: true)
        let sender = try end("meet-send", isHidden: hidden == 2)
        try expectLinked([receiver, sender], apart: "mnt")
    }

    /// Another user finds a closed folder; one that may pass every door is told whose link it is.
    @Test func linksOfAnotherUserAreRefused() throws {
        let stage = try Stage()
        let flags = ["--reuid", "12345", "--regid", "12345", "--clear-groups"]
        guard isPermitted(stage, Self.setpriv, flags) else { return }
        let peer = Stage.built("NaruIntegrationPeer")
        let receiver = try stage.peer(["meet-receive", "theirs"])
        try awaitSocket(stage.folder + "/run/theirs.sock")
        let stranger = try stage.start(Self.setpriv, flags + [peer, "dial", "theirs", "300"])
        let closed = try stranger.line()
        #expect(closed.hasPrefix("error system ") || closed.hasPrefix("error unreachable "), "\(closed)")
        // Every door open: the dialer passes over what is not its own user's, and says so.
        let folders = [stage.folder, stage.folder + "/run"]
        for folder in folders { try FileSystem.setPermissions(folder, permissions: 0o711) }
        try FileSystem.setPermissions(stage.folder + "/run/theirs.sock", permissions: 0o666)
        let bold = try stage.start(Self.setpriv, flags + [peer, "dial", "theirs", "500"])
        let refused = try bold.line()
        #expect(
            refused.hasPrefix("error unreachable ") && refused.contains("not used: it belongs to user"), "\(refused)")
        for folder in folders { try FileSystem.setPermissions(folder, permissions: 0o700) }
        try expectLinked([receiver, try stage.peer(["meet-send", "theirs"])], apart: "none")
    }
}
