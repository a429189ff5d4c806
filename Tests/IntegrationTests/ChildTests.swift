// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// Parents and the children that they started with a link attached.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ChildTests {
    /// What a process and one that it started may use; `auto` is what the selector prefers.
    static let transports = ["pipe", "fifo", "unix-socket", "shared-memory", "auto"]

    private func forced(_ transport: String) -> [String: String] {
        transport == "auto" ? [:] : ["NARU_LINKS_WORK_TRANSPORTS": transport]
    }

    private func linked(_ transport: String) -> String {
        "parent linked \(transport == "auto" ? "shared-memory" : transport) related-process"
    }

    /// What parent and child print until both have ended, the parent's number taken off.
    private func said(by parent: Running) throws -> [String] {
        let lines = try parent.allLines()
        try expectSuccess(of: parent)
        return lines.filter { !$0.hasPrefix("parent of ") }
    }

    private func child(in line: String) throws -> Int32 {
        try #require(line.split(separator: " ").last.flatMap { Int32($0) }, "\(line)")
    }

    @Test(arguments: transports)
    func aParentSends(_ transport: String) throws {
        let stage = try Stage()
        let taken = stage.folder + "/taken"
        let parent = try stage.peer(
            ["parent-send", "work", "3000", "500", stage.folder + "/sent", "receive", "work", taken],
            environment: forced(transport))
        let lines = try said(by: parent)
        #expect(lines.contains(linked(transport)), "\(lines)")
        #expect(lines.contains("finished 3000"), "\(lines)")
        #expect(lines.suffix(2) == ["parent: child exited 0", "parent: reaped"], "\(lines)")
        #expect(try Progress(path: taken).count == 3000)
        #expect(try FileSystem.list(stage.folder + "/run").isEmpty)
    }

    @Test(arguments: transports)
    func aParentReceives(_ transport: String) throws {
        let stage = try Stage()
        let parent = try stage.peer(
            [
                "parent-receive", "work", stage.folder + "/taken", "send", "work", "300", "70000",
                stage.folder + "/sent",
            ],
            environment: forced(transport))
        let lines = try said(by: parent)
        #expect(lines.contains(linked(transport)), "\(lines)")
        #expect(lines.contains("parent finished 300"), "\(lines)")
        #expect(lines.suffix(2) == ["parent: child exited 0", "parent: reaped"], "\(lines)")
    }

    @Test(arguments: transports)
    func bothWays(_ transport: String) throws {
        let stage = try Stage()
        let parent = try stage.peer(["parent-echo", "work", "200", "echo", "work"], environment: forced(transport))
        let lines = try said(by: parent)
        #expect(
            lines == [linked(transport), "parent finished 200", "parent: child exited 0", "parent: reaped"], "\(lines)")
    }

    /// Exit code and signal are the reasons for which the link closed, after what was handed over.
    @Test(arguments: transports)
    func howAChildEndsIsTold(_ transport: String) throws {
        for (command, reason, end) in [
            ("end-by-exit", "error peerExited", "exited 7"), ("end-by-signal", "error peerKilled", "killed 9"),
        ] {
            let stage = try Stage()
            let parent = try stage.peer(
                ["parent-receive", "work", stage.folder + "/taken", command, "work"], environment: forced(transport))
            let lines = try said(by: parent)
            #expect(lines.contains { $0.hasPrefix("parent \(reason) ") }, "\(lines)")
            #expect(lines.suffix(2) == ["parent: child \(end)", "parent: reaped"], "\(lines)")
            #expect(try Progress(path: stage.folder + "/taken").count == 1)
        }
    }

    @Test(arguments: transports)
    func aChildIsKilledInTheMiddle(_ transport: String) throws {
        let stage = try Stage()
        let taken = try Progress(path: stage.folder + "/taken")
        let sent = try Progress(path: stage.folder + "/sent")
        let parent = try stage.peer(
            [
                "parent-receive", "work", stage.folder + "/taken", "send", "work", "1000000000", "200",
                stage.folder + "/sent",
            ], environment: forced(transport))
        let number = try child(in: try parent.line())
        try taken.reach(2_000)
        try ProcessHandle.signal(try ProcessHandle.open(number), Signals.kill)
        let lines = try said(by: parent)
        #expect(lines.contains { $0.hasPrefix("parent error peerKilled ") && $0.contains("signal 9") }, "\(lines)")
        #expect(lines.suffix(2) == ["parent: child killed 9", "parent: reaped"], "\(lines)")
        #expect(taken.count >= sent.count)
    }

    /// Killed while it is idle, while it holds a loan half written, and while it holds a view.
    @Test(arguments: transports)
    func aChildIsKilledWithSomethingInItsHands(_ transport: String) throws {
        for (parent, child) in [
            (["parent-receive", "work", "TAKEN"], ["hold-sender", "work"]),
            (["parent-receive", "work", "TAKEN"], ["hold-loan", "work", "64"]),
            (["parent-receive", "work", "TAKEN"], ["hold-loan", "work", "300000"]),
            (["parent-send", "work", "1000000000", "2000", "SENT"], ["hold-view", "work", "TAKEN"]),
        ] {
            let stage = try Stage()
            let arguments = (parent + child).map {
                $0 == "TAKEN" ? stage.folder + "/taken" : $0 == "SENT" ? stage.folder + "/sent" : $0
            }
            let program = try stage.peer(arguments, environment: forced(transport))
            let number = try self.child(in: try program.line())
            // The child says that it is linked, and then what it holds.
            var heard = try program.line()
            while !heard.hasPrefix(child[0] == "hold-sender" ? "linked " : "holding") { heard = try program.line() }
            if child[0] == "hold-loan" { try Progress(path: stage.folder + "/taken").reach(1) }
            try ProcessHandle.signal(try ProcessHandle.open(number), Signals.kill)
            let lines = try said(by: program)
            #expect(lines.contains { $0.hasPrefix("parent error peerKilled ") }, "\(child) \(lines)")
            #expect(lines.suffix(2) == ["parent: child killed 9", "parent: reaped"], "\(child) \(lines)")
        }
    }

    @Test(arguments: transports)
    func aParentIsKilledInTheMiddle(_ transport: String) throws {
        let stage = try Stage()
        let taken = try Progress(path: stage.folder + "/taken")
        let sent = try Progress(path: stage.folder + "/sent")
        let parent = try stage.peer(
            [
                "parent-send", "work", "1000000000", "200", stage.folder + "/sent", "receive", "work",
                stage.folder + "/taken",
            ], environment: forced(transport))
        try taken.reach(2_000)
        parent.kill()
        #expect(parent.end() == .killed(Signals.kill))
        // The child has the parent's output, which ends with it.
        let lines = try parent.allLines()
        #expect(lines.contains { $0.hasPrefix("error peerVanished ") || $0.hasPrefix("error peerKilled ") }, "\(lines)")
        #expect(taken.count >= sent.count)
    }

    /// A child that ends before it opens its link is not waited for until the deadline.
    @Test func aChildThatNeverOpensItsLink() throws {
        let stage = try Stage()
        let parent = try stage.peer(["parent-receive", "work", stage.folder + "/taken", "end-early", "work", "3"])
        let lines = try said(by: parent)
        #expect(lines.contains { $0.hasPrefix("parent error peerExited ") && $0.contains("code 3") }, "\(lines)")
        #expect(lines.suffix(2) == ["parent: child exited 3", "parent: reaped"], "\(lines)")
    }

    /// A link is for the child and nobody further down; standard streams are left as they are.
    @Test func aGrandchildInheritsNothing() throws {
        let stage = try Stage()
        let parent = try stage.peer(["parent-receive", "work", stage.folder + "/taken", "pass-on", "work"])
        let lines = try said(by: parent)
        // The one that Naru started knows of no link; the other finds that the link named is not there.
        let streams = lines.filter { $0.hasPrefix("streams ") }
        #expect(streams == ["streams true warnings 0 unreachable", "streams true warnings 1 unreachable"], "\(lines)")
        #expect(lines.contains("parent finished 1"), "\(lines)")
    }
}
