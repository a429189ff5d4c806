// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// What real deaths leave, as `naru list` shows and `naru clean` removes it.
@Suite(.serialized, .timeLimit(.minutes(2))) struct LeftoverTests {
    /// The lines of `naru list` without its head, each as its words.
    private func list(_ stage: Stage) throws -> [[String]] {
        let run = try stage.naru(["list"])
        defer { _ = run.end() }
        return try run.allLines().dropFirst().map { $0.split(separator: " ").map(String.init) }
            .filter { $0.last != "here." && $0.contains { $0.hasPrefix(stage.folder) } }
    }

    private func clean(_ stage: Stage, _ options: String...) throws -> [String] {
        let run = try stage.naru(["clean"] + options)
        let lines = try run.allLines()
        try expectSuccess(of: run)
        return lines
    }

    @Test func aKilledListenerIsDeadAndALivingOneAlive() throws {
        let stage = try Stage()
        let path = stage.folder + "/run"
        let killed = try stage.peer(["receive", "killed", stage.folder + "/a"])
        let living = try stage.peer(["receive", "living", stage.folder + "/b"])
        for name in ["killed", "living"] {
            let socket = "\(path)/\(name).sock"
            while (try? FileSystem.status(socket, followingSymbolicLinks: false)) == nil { Processor.yield() }
        }
        killed.kill()
        _ = killed.end()
        let rows = try list(stage)
        #expect(
            rows.map { $0.prefix(5).joined(separator: " ") } == [
                "killed listener dead transient \(HostInformation.userID)",
                "living listener alive transient \(HostInformation.userID)",
            ])
        #expect(rows.last?[5] == "\(living.processID)")
        #expect(try clean(stage).last == "1 object removed.")
        #expect(Set(try FileSystem.list(path)) == ["living.lock", "living.sock"])
        // The living one was not disturbed.
        let sender = try stage.peer(["send", "living", "10", "10", stage.folder + "/sent"])
        #expect(try sender.line().hasPrefix("linked "))
        #expect(try sender.line() == "finished 10")
        try expectSuccess(of: living)
        #expect(try list(stage).isEmpty)
        #expect(try FileSystem.list(path).isEmpty)
    }

    @Test(arguments: ["semaphore", "posix-semaphore"])
    func permitsOfTheDeadGoAndThoseOfTheLivingStay(_ transport: String) throws {
        let stage = try Stage()
        let environment = ["NARU_LINKS_GATE_TRANSPORTS": transport]
        let holder = try stage.peer(["permits-hold", "gate", "3"], environment: environment)
        #expect(try holder.line() == "held \(transport)")
        let alive = try #require(try list(stage).first)
        #expect(
            alive.prefix(6) == [
                "gate", transport, "alive", "transient", "\(HostInformation.userID)", "\(holder.processID)",
            ])
        #expect(alive[6...9] == ["2", "of", "3", "available"])
        #expect(try clean(stage, "--durable").last == "0 objects removed.")
        holder.kill()
        _ = holder.end()
        #expect(try list(stage).first?[2] == "dead")
        #expect(try clean(stage, "--dry-run").last == "1 object would be removed.")
        #expect(try list(stage).count == 1)
        #expect(try clean(stage).last == "1 object removed.")
        #expect(try list(stage).isEmpty)
        #expect(try FileSystem.list(stage.folder + "/run").isEmpty)
        #expect(try FileSystem.list("/dev/shm").allSatisfy { $0 != "sem.naru-\(HostInformation.userID)-gate" })
    }

    @Test func whatWasPostedIsKeptUnlessDurableIsAskedFor() throws {
        let stage = try Stage()
        let poster = try stage.peer(["signal-post", "gate", "2"])
        #expect(try poster.line() == "posted")
        poster.kill()
        _ = poster.end()
        let row = try #require(try list(stage).first)
        #expect(row[..<4] == ["gate", "semaphore", "dead", "durable"])
        #expect(row[6...7] == ["2", "pending"])
        #expect(try clean(stage).first == "0 objects removed.")
        #expect(try clean(stage, "--durable").last == "1 object removed.")
        #expect(try list(stage).isEmpty)
    }

    @Test(arguments: ["posix-queue", "sysv-queue"])
    func aQueueWithItsPayloadsIsOneObjectAndGoesWhole(_ transport: String) throws {
        let stage = try Stage()
        let environment = ["NARU_LINKS_LEFT_DIRECTION": "queue", "NARU_LINKS_LEFT_TRANSPORTS": transport]
        let file = try stage.file("data", byteCount: 100_000)
        let shared = Set(try FileSystem.list("/dev/shm"))
        let sender = try stage.naru(["send", "left", file, "--message-size", "20000"], environment: environment)
        try expectSuccess(of: sender)
        let row = try #require(try list(stage).first)
        #expect(Array(row[..<4]) == ["left", transport, "dead", "durable"])
        #expect(row.joined(separator: " ").contains(transport == "posix-queue" ? " 5 of " : " 5 messages "))
        let everything = try stage.naru(["list", "--json"])
        #expect(try everything.allLines().last?.contains("naru-\(HostInformation.userID)-left-") == false)
        #expect(try clean(stage).first == "0 objects removed.")
        #expect(try clean(stage, "--durable").last == "1 object removed.")
        #expect(try list(stage).isEmpty)
        let left = Set(try FileSystem.list("/dev/shm")).subtracting(shared)
        #expect(left.allSatisfy { !$0.hasPrefix("naru-\(HostInformation.userID)-left") })
    }

    /// Where this process may look into the folders of others, it says what is there and whose, and leaves it.
    @Test func whatIsAnothersIsListedAndLeft() throws {
        let stage = try Stage()
        let setpriv = "/usr/bin/setpriv"
        let flags = ["--reuid", "65533", "--regid", "65533", "--clear-groups"]
        guard let trial = try? stage.start(setpriv, flags + ["/bin/true"]), trial.end() == .exited(0) else {
            print("not tried: \(setpriv) is not permitted here")
            return
        }
        let folder = "/tmp/naru-65533"
        let name = "foreign-\(String(SystemRandom.word(), radix: 36))"
        let receiver = try stage.start(
            setpriv, flags + [Stage.built("NaruIntegrationPeer"), "hold-receiver", name],
            environment: ["NARU_RUNTIME_DIR": ""])
        let socket = "\(folder)/\(name).sock"
        while receiver.isRunning, (try? FileSystem.status(socket, followingSymbolicLinks: false)) == nil {
            Processor.yield()
        }
        defer {
            for suffix in [".sock", ".lock"] { try? FileSystem.remove("\(folder)/\(name)\(suffix)") }
            try? FileSystem.removeDirectory(folder)
        }
        func rows() throws -> [String] {
            let run = try stage.naru(["list"])
            return try run.allLines().filter { $0.hasPrefix(name) }
        }
        let alive = try rows()
        #expect(alive.count == 1)
        #expect(alive.first?.contains(" alive ") == true && alive.first?.contains(" 65533 ") == true, "\(alive)")
        receiver.kill()
        _ = receiver.end()
        #expect(try rows().first?.contains(" unknown ") == true)
        _ = try clean(stage, "--durable")
        #expect(try rows().count == 1)
    }

    @Test func aPipeOfADeadMakerGoesAndOneOfALivingStays() throws {
        let stage = try Stage()
        let (dead, living) = (try stage.peer(["make-fifo"]), try stage.peer(["make-fifo"]))
        let names = (try dead.line(), try living.line())
        dead.kill()
        _ = dead.end()
        #expect(Set(try list(stage).map { $0[2] }) == ["alive", "dead"])
        #expect(try clean(stage).last == "1 object removed.")
        #expect(try FileSystem.list(stage.folder + "/run") == [names.1])
        living.closeInput()
        try expectSuccess(of: living)
        #expect(try FileSystem.list(stage.folder + "/run").isEmpty)
    }
}
