// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// kill -9 of an end in the middle of something: a loan, a view, a full ring, between commit and wake-up.
@Suite(.serialized, .timeLimit(.minutes(3))) struct HeldDeathTests {
    private func forced(_ transport: String) -> [String: String] { ["NARU_LINKS_HELD_TRANSPORTS": transport] }

    private func expectDeath(_ line: String, _ sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(
            line.hasPrefix("error peerKilled ") || line.hasPrefix("error peerVanished "), "\(line)",
            sourceLocation: sourceLocation)
    }

    /// The writer has memory of the lane in its hands, half of it written, and dies before the commit.
    @Test(arguments: DeathTests.transports, [64, 5_000, 300_000])
    func aWriterKilledBetweenReserveAndCommit(_ transport: String, _ byteCount: Int) throws {
        let stage = try Stage()
        let taken = try Progress(path: stage.folder + "/taken")
        let receiver = try stage.peer(["receive", "held", stage.folder + "/taken"], environment: forced(transport))
        let sender = try stage.peer(["hold-loan", "held", "\(byteCount)"], environment: forced(transport))
        #expect(try sender.line() == "linked \(transport)")
        #expect(try sender.line() == "holding")
        #expect(try receiver.line() == "linked \(transport)")
        try taken.reach(1)
        sender.kill()
        expectDeath(try receiver.line())
        #expect(receiver.end() == .exited(0))
        #expect(taken.count == 1)
    }

    /// The message lies in the ring, its reader sleeps and is never woken for it.
    @Test func aWriterKilledBetweenCommitAndWakeUp() throws {
        let stage = try Stage()
        let sent = try Progress(path: stage.folder + "/sent")
        let taken = try Progress(path: stage.folder + "/taken")
        let receiver = try stage.peer(
            ["receive", "held", stage.folder + "/taken"], environment: forced("shared-memory"))
        let sender = try stage.peer(["die-before-bell", "held", stage.folder + "/sent"])
        #expect(try sender.line() == "linked shared-memory")
        #expect(try receiver.line() == "linked shared-memory")
        try receiver.reach("S")
        sender.closeInput()
        #expect(sender.end() == .killed(Signals.kill))
        expectDeath(try receiver.line())
        #expect(sent.count >= 1)
        #expect(taken.count == sent.count)
    }

    /// The reader holds a view, the writer sleeps until there is room: either is killed.
    @Test(arguments: DeathTests.deepTransports, [true, false])
    func killedWhileTheReaderHoldsAView(_ transport: String, _ killsSender: Bool) throws {
        let stage = try Stage()
        let sent = try Progress(path: stage.folder + "/sent")
        let taken = try Progress(path: stage.folder + "/taken")
        let receiver = try stage.peer(["hold-view", "held", stage.folder + "/taken"], environment: forced(transport))
        let sender = try stage.peer(
            ["send", "held", "1000000000", "1500", stage.folder + "/sent"], environment: forced(transport))
        #expect(try sender.line() == "linked \(transport)")
        #expect(try receiver.line() == "linked \(transport)")
        #expect(try receiver.line() == "holding")
        try sent.reach(16)
        try sender.reach("S")
        if killsSender {
            sender.kill()
            #expect(sender.end() == .killed(Signals.kill))
            receiver.closeInput()
            #expect(try receiver.line() == "released")
            expectDeath(try receiver.line())
            #expect(taken.count >= sent.count)
        } else {
            receiver.kill()
            expectDeath(try sender.line())
            #expect(sender.end() == .exited(0))
        }
    }

    /// A reader that sleeps as a thread, on the ring's word or in the kernel.
    @Test(arguments: DeathTests.transports, [true, false])
    func killedWhileTheReaderSleepsOnAThread(_ transport: String, _ killsSender: Bool) throws {
        let stage = try Stage()
        let receiver = try stage.peer(["receive-blocking", "held"], environment: forced(transport))
        let sender = try stage.peer(["hold-sender", "held"], environment: forced(transport))
        #expect(try sender.line() == "linked \(transport)")
        #expect(try receiver.line() == "linked \(transport)")
        try receiver.reach("S")
        if killsSender {
            sender.kill()
            expectDeath(try receiver.line())
        } else {
            receiver.kill()
            _ = receiver.end()
            sender.closeInput()
            expectDeath(try sender.line())
        }
    }

    /// Of two pairs, the other is unharmed; and a peer that nobody has waited for is dead all the same.
    @Test(arguments: DeathTests.transports)
    func anotherPairGoesOnAndAZombieIsDead(_ transport: String) throws {
        let stage = try Stage()
        let environment = forced(transport).merging(["NARU_LINKS_OTHER_TRANSPORTS": transport]) { $1 }
        let other = (
            try stage.peer(["hold-receiver", "other"], environment: environment),
            try stage.peer(["hold-sender", "other"], environment: environment)
        )
        #expect(try other.0.line() == "linked \(transport)")
        #expect(try other.1.line() == "linked \(transport)")
        let receiver = try stage.peer(["hold-receiver", "held"], environment: environment)
        let sender = try stage.peer(["hold-sender", "held"], environment: environment)
        #expect(try receiver.line() == "linked \(transport)")
        let before = MonotonicClock.nanoseconds()
        sender.kill()
        let said = try receiver.line()
        expectDeath(said)
        try sender.reach("Z")
        // Nothing was sent on this link, so no traffic can have told. Printed, not judged: a busy machine takes time.
        let told = try #require(said.split(separator: " ").dropFirst(2).first.flatMap { UInt64($0) })
        print("\(transport): told \(Double(told - before) / 1e6) ms after the signal was sent")
        other.1.closeInput()
        #expect(try other.1.line() == "finished 1")
        #expect(try other.0.line() == "finished 0")
    }

    /// How a child ended is told as it was.
    @Test(arguments: [("end-by-exit", "error peerExited "), ("end-by-signal", "error peerKilled ")])
    func exitAndSignalGiveDifferentReasons(_ command: String, _ expected: String) throws {
        for transport in DeathTests.transports {
            let stage = try Stage()
            let parent = try stage.peer(["parent", "held", command], environment: forced(transport))
            let first = try parent.line()
            try #require(first == "linked \(transport)", "\(first)")
            let last = try parent.line()
            #expect(last.hasPrefix(expected), "\(last)")
            #expect(last.contains(command == "end-by-exit" ? "code 7" : "signal 9"), "\(last)")
        }
    }

    /// Killed at any moment while it takes over the name of another that was killed.
    @Test func killedWhileCleaningUpAfterAnother() throws {
        let stage = try Stage()
        // The first tells how long it takes here from the start of the process to the socket in place.
        let start = MonotonicClock.nanoseconds()
        let first = try stage.peer(["receive", "held", stage.folder + "/taken"])
        while try !FileSystem.list(stage.folder + "/run").contains("held.sock") { Processor.yield() }
        let time = MonotonicClock.nanoseconds() - start
        first.kill()
        #expect(first.end() == .killed(Signals.kill))
        for round in 0..<40 {
            let receiver = try stage.peer(["receive", "held", stage.folder + "/taken"])
            // Until then, and half as long again.
            let end = MonotonicClock.nanoseconds() + time * UInt64(round) / 26
            while MonotonicClock.nanoseconds() < end { Processor.yield() }
            receiver.kill()
            #expect(receiver.end() == .killed(Signals.kill))
        }
        let left = try FileSystem.list(stage.folder + "/run")
        #expect(!left.isEmpty, "the killed leave their names, or this shows nothing")
        let receiver = try stage.peer(["receive", "held", stage.folder + "/taken"])
        let sender = try stage.peer(["send", "held", "100", "100", stage.folder + "/sent"])
        #expect(try sender.allLines().last == "finished 100")
        #expect(try receiver.allLines().last == "finished 100")
        #expect(try FileSystem.list(stage.folder + "/run").isEmpty)
    }

    /// All ends are killed at once; the next start works, and finds nothing but the name that it takes over.
    @Test(arguments: DeathTests.transports)
    func allAreKilledAndTheNextStartWorks(_ transport: String) throws {
        let stage = try Stage()
        for _ in 0..<5 {
            let taken = try Progress(path: stage.folder + "/taken")
            let receiver = try stage.peer(["receive", "held", stage.folder + "/taken"], environment: forced(transport))
            let sender = try stage.peer(
                ["send", "held", "1000000000", "64", stage.folder + "/sent"], environment: forced(transport))
            #expect(try receiver.line() == "linked \(transport)")
            try taken.reach(100)
            // Stopped first: one would else see the other die, and end by itself.
            for end in [receiver, sender] { end.kill(Signals.stop) }
            for end in [receiver, sender] { end.kill() }
            for end in [receiver, sender] { #expect(end.end() == .killed(Signals.kill)) }
            // A private System V queue cannot go by itself: its sidecar says that nobody holds it.
            let left = try FileSystem.list(stage.folder + "/run").filter { !$0.hasPrefix("held.") }
            #expect(transport == "sysv-queue" ? left.count <= 1 : left.isEmpty, "\(left)")
            try FileSystem.remove(stage.folder + "/taken")
        }
        let receiver = try stage.peer(["receive", "held", stage.folder + "/taken"], environment: forced(transport))
        let sender = try stage.peer(
            ["send", "held", "100", "100", stage.folder + "/sent"], environment: forced(transport))
        #expect(try sender.allLines().last == "finished 100")
        #expect(try receiver.allLines().last == "finished 100")
        #expect(try FileSystem.list(stage.folder + "/run").isEmpty)
    }
}
