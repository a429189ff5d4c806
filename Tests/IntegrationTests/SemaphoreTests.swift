// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// Permits and signals between processes: what a killed, a stopped and a forked one leaves the others.
@Suite(.serialized, .timeLimit(.minutes(3))) struct SemaphoreProcessTests {
    private static let posix = ["NARU_LINKS_GATE_TRANSPORTS": "posix-semaphore"]

    /// No sidecar is left, and none of the sets that the sidecars named.
    private func expectNothingLeft(
        _ stage: Stage, _ keys: [Int32], _ sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let left = ((try? FileSystem.list(stage.folder + "/run")) ?? []).filter { $0.hasSuffix(".object") }
        #expect(left.isEmpty, sourceLocation: sourceLocation)
        for key in keys {
            #expect(throws: SystemError.self, sourceLocation: sourceLocation) {
                _ = try SystemVSemaphore.find(key: key)
            }
        }
    }

    /// The keys of System V in the sidecars of a stage.
    private func keys(_ stage: Stage) throws -> [Int32] {
        let folder = stage.folder + "/run"
        return try FileSystem.list(folder).filter { $0.hasSuffix(".object") }.compactMap { name in
            let bytes = try FileSystem.readSmallFile("\(folder)/\(name)", limit: 1 << 16)
            let text = String(decoding: bytes, as: UTF8.self)
            guard let start = text.firstRange(of: #""object":"key "#) else { return nil }
            return Int32(text[start.upperBound...].prefix { $0.isNumber })
        }
    }

    @Test func `the permit of a killed holder goes to who waits`() throws {
        let stage = try Stage()
        let holder = try stage.peer(["permits-hold", "gate", "1"])
        #expect(try holder.line() == "held semaphore")
        let waiter = try stage.peer(["permits-wait", "gate"])
        #expect(try waiter.line() == "open")
        let keys = try keys(stage)
        #expect(keys.count == 1)
        holder.kill()
        #expect(try waiter.line() == "acquired 1")
        try expectSuccess(of: waiter)
        expectNothingLeft(stage, keys)
    }

    @Test func `a POSIX permit is lost with its holder, until all who use it are gone`() throws {
        let stage = try Stage()
        let holder = try stage.peer(["permits-hold", "gate", "1"], environment: Self.posix)
        #expect(try holder.line() == "held posix-semaphore")
        let other = try stage.peer(["permits-try", "gate", "1", "100"], environment: Self.posix)
        #expect(try other.line() == "open")
        holder.kill()
        _ = holder.end()
        other.closeInput()
        #expect(try other.line() == "error deadlineExceeded")
        try expectSuccess(of: other)
        let later = try stage.peer(["permits-try", "gate", "1", "10000"], environment: Self.posix)
        #expect(try later.line() == "open")
        later.closeInput()
        #expect(try later.line() == "acquired 1")
        try expectSuccess(of: later)
        expectNothingLeft(stage, [])
        let left = try FileSystem.list("/dev/shm").filter { $0.hasSuffix("-gate") }
        #expect(left.isEmpty)
    }

    @Test func `a stopped holder is no dead one`() throws {
        let stage = try Stage()
        let holder = try stage.peer(["permits-hold", "gate", "1"])
        #expect(try holder.line() == "held semaphore")
        holder.kill(Signals.stop)
        try holder.reach("T")
        let other = try stage.peer(["permits-try", "gate", "1", "100"])
        #expect(try other.line() == "open")
        other.closeInput()
        #expect(try other.line() == "error deadlineExceeded")
        let waiter = try stage.peer(["permits-wait", "gate"])
        #expect(try waiter.line() == "open")
        holder.kill(Signals.cont)
        holder.closeInput()
        #expect(try holder.line() == "released")
        #expect(try waiter.line() == "acquired 1")
        for program in [holder, other, waiter] { try expectSuccess(of: program) }
        expectNothingLeft(stage, [])
    }

    @Test func `permits without a name are handed to children`() throws {
        let stage = try Stage()
        let parent = try stage.peer(["permits-hand-over"])
        #expect(try parent.line() == "child released true")
        #expect(try parent.line() == "child killed false")
        try expectSuccess(of: parent)
        expectNothingLeft(stage, [])
    }

    @Test func `a forked child can do nothing, and its parent everything`() throws {
        let stage = try Stage()
        let parent = try stage.peer(["permits-forked", "gate"])
        #expect(try parent.line() == "child 0")
        #expect(try parent.line() == "held 1 available 0")
        try expectSuccess(of: parent)
        expectNothingLeft(stage, [])
    }

    @Test func `what was posted survives its poster`() throws {
        let stage = try Stage()
        let poster = try stage.peer(["signal-post", "gate", "2"])
        #expect(try poster.line() == "posted")
        poster.kill()
        _ = poster.end()
        let keys = try keys(stage)
        for _ in 0..<2 {
            let waiter = try stage.peer(["signal-wait", "gate"])
            #expect(try waiter.line() == "open")
            #expect(try waiter.line() == "taken semaphore")
            try expectSuccess(of: waiter)
        }
        expectNothingLeft(stage, keys)
    }

    @Test(arguments: ["semaphore", "posix-semaphore"])
    func `a killed waiter takes nothing with it`(_ transport: String) throws {
        let stage = try Stage()
        let environment = ["NARU_LINKS_GATE_TRANSPORTS": transport]
        let waiter = try stage.peer(["signal-wait", "gate"], environment: environment)
        #expect(try waiter.line() == "open")
        try waiter.reach("S")
        waiter.kill()
        _ = waiter.end()
        let poster = try stage.peer(["signal-post", "gate", "1"], environment: environment)
        #expect(try poster.line() == "posted")
        let other = try stage.peer(["signal-wait", "gate"], environment: environment)
        #expect(try other.line() == "open")
        #expect(try other.line() == "taken \(transport)")
        poster.closeInput()
        try expectSuccess(of: poster)
        try expectSuccess(of: other)
        expectNothingLeft(stage, [])
    }

    /// Runs the command in an IPC namespace of its own; `nil`, and says so, where that is not permitted.
    private func apart(_ stage: Stage, _ script: String) throws -> (lines: [String], errors: [String])? {
        let unshare = "/usr/bin/unshare"
        guard let trial = try? stage.start(unshare, ["--ipc", "/bin/true"]), trial.end() == .exited(0) else {
            print("not tried: \(unshare) --ipc is not permitted here")
            return nil
        }
        let run = try stage.start(unshare, ["--ipc", "/bin/sh", "-c", script], environment: ["N": Stage.built("naru")])
        return (try run.allLines(), try run.allErrors())
    }

    @Test func `one name in two IPC namespaces is refused, not two semaphores`() throws {
        let stage = try Stage()
        let poster = try stage.peer(["signal-post", "gate", "1"])
        #expect(try poster.line() == "posted")
        if let other = try apart(stage, #""$N" wait gate --wait 0; "$N" list"#) {
            #expect(other.errors.first?.contains("it was made in the IPC namespace") == true, "\(other)")
            #expect(other.lines.contains { $0.hasPrefix("gate") && $0.contains(" alive ") }, "\(other)")
        }
        poster.kill()
        _ = poster.end()
        // What is there, and cannot be seen from here, is not removed.
        if let other = try apart(stage, #""$N" clean --durable"#) {
            #expect(other.lines.last == "0 objects removed.", "\(other)")
        }
        let waiter = try stage.peer(["signal-wait", "gate"])
        #expect(try waiter.line() == "open")
        #expect(try waiter.line() == "taken semaphore")
        try expectSuccess(of: waiter)
        expectNothingLeft(stage, [])
    }

    @Test func `the host's limit is named with what lifts it`() throws {
        let stage = try Stage()
        let script = #"""
            echo "250 32000 32 1" > /proc/sys/kernel/sem || exit 0
            "$N" signal first; "$N" signal second; "$N" doctor | grep semaphore
            """#
        guard let run = try apart(stage, script), !run.lines.isEmpty else { return }
        #expect(run.lines.first?.hasPrefix("posted 1 signal, 1 pending, by semaphore") == true, "\(run)")
        #expect(run.errors.first?.contains("all 1 semaphore sets of the host are in use") == true, "\(run)")
        #expect(run.errors.first?.contains("raise the fourth number of kernel.sem") == true, "\(run)")
        #expect(run.lines.contains { $0.contains("warning") && $0.contains("1 of 1 sets in use") }, "\(run)")
    }

    /// Three loop over two permits, and one after the other is killed at any moment, holding or not.
    @Test func `no kill loses a permit`() throws {
        let stage = try Stage()
        func start(_ number: Int) throws -> (Running, Progress) {
            let path = "\(stage.folder)/progress-\(number)"
            let progress = try Progress(path: path)
            return (try stage.peer(["permits-loop", "gate", "2", path]), progress)
        }
        var loops = try (0..<3).map(start)
        for round in 3..<23 {
            let (victim, progress) = loops.removeFirst()
            try progress.reach(1 + SystemRandom.word() % 50)
            victim.kill()
            _ = victim.end()
            loops.append(try start(round))
        }
        for (_, progress) in loops { try progress.reach(1) }
        let last = try stage.peer(["permits-try", "gate", "2", "30000"])
        #expect(try last.line() == "open")
        let keys = try keys(stage)
        for (loop, _) in loops {
            loop.closeInput()
            #expect(try loop.line() == "finished")
            try expectSuccess(of: loop)
        }
        last.closeInput()
        #expect(try last.line() == "acquired 2")
        try expectSuccess(of: last)
        expectNothingLeft(stage, keys)
    }
}
