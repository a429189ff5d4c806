// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// Ends that are stopped in the middle of something and go on later: a pause is no death, and nothing is overwritten.
@Suite(.serialized, .timeLimit(.minutes(5))) struct PauseTests {
    private func forced(_ transport: String) -> [String: String] {
        ["NARU_LINKS_PAUSE_TRANSPORTS": transport, "NARU_LINKS_OTHER_TRANSPORTS": transport]
    }

    /// Lets a whole other link of other processes come and go.
    private func letTimePass(_ stage: Stage, _ transport: String) throws {
        let receiver = try stage.peer(["receive", "other", stage.folder + "/other"], environment: forced(transport))
        let sender = try stage.peer(
            ["send", "other", "1000", "100", stage.folder + "/other-sent"], environment: forced(transport))
        #expect(try sender.allLines().last == "finished 1000")
        #expect(try receiver.allLines().last == "finished 1000")
    }

    private func stop(_ end: Running) throws {
        end.kill(Signals.stop)
        try end.reach("T")
    }

    /// Stopped with half of a message written; its reader waits, is told nothing, and gets the message whole.
    @Test(arguments: DeathTests.transports, [64, 5_000, 300_000])
    func aWriterStoppedInMidMessage(_ transport: String, _ byteCount: Int) throws {
        let stage = try Stage()
        let taken = try Progress(path: stage.folder + "/taken")
        let receiver = try stage.peer(["receive", "pause", stage.folder + "/taken"], environment: forced(transport))
        let sender = try stage.peer(["hold-loan", "pause", "\(byteCount)"], environment: forced(transport))
        #expect(try sender.line() == "linked \(transport)")
        #expect(try sender.line() == "holding")
        #expect(try receiver.line() == "linked \(transport)")
        try taken.reach(1)
        try stop(sender)
        try letTimePass(stage, transport)
        #expect(taken.count == 1)
        #expect(receiver.isRunning)
        sender.kill(Signals.cont)
        sender.closeInput()
        #expect(try sender.line() == "committed")
        #expect(try sender.line() == "finished 2")
        #expect(try receiver.line() == "finished 2")
    }

    /// The reader is gone when the writer goes on: its late commit is refused, and reaches nobody, not even the next
    /// reader of the same name.
    @Test(arguments: DeathTests.transports)
    func aLateCommitIsRefused(_ transport: String) throws {
        let stage = try Stage()
        let taken = try Progress(path: stage.folder + "/taken")
        let receiver = try stage.peer(["receive", "pause", stage.folder + "/taken"], environment: forced(transport))
        let sender = try stage.peer(["hold-loan", "pause", "500"], environment: forced(transport))
        #expect(try sender.line() == "linked \(transport)")
        #expect(try sender.line() == "holding")
        try taken.reach(1)
        try stop(sender)
        receiver.kill()
        _ = receiver.end()
        let next = try stage.peer(["receive", "pause", stage.folder + "/next"], environment: forced(transport))
        let other = try stage.peer(
            ["send", "pause", "1", "500", stage.folder + "/sent"], environment: forced(transport))
        #expect(try other.allLines().last == "finished 1")
        #expect(try next.allLines().last == "finished 1")
        sender.kill(Signals.cont)
        sender.closeInput()
        let last = try sender.allLines().last
        #expect(last?.hasPrefix("error peer") == true, "\(last ?? "nothing")")
    }

    /// Stopped with a view in its hands: the writer fills what there is and waits; the view stays what it was, and
    /// everything comes.
    @Test(arguments: DeathTests.deepTransports)
    func aReaderStoppedWithAView(_ transport: String) throws {
        let stage = try Stage()
        let sent = try Progress(path: stage.folder + "/sent")
        let receiver = try stage.peer(["hold-view", "pause", stage.folder + "/taken"], environment: forced(transport))
        let sender = try stage.peer(
            ["send", "pause", "40000", "1000", stage.folder + "/sent"], environment: forced(transport))
        #expect(try receiver.line() == "linked \(transport)")
        #expect(try receiver.line() == "holding")
        try stop(receiver)
        try sent.reach(16)
        try sender.reach("S")
        #expect(sent.count < 40_000)
        receiver.kill(Signals.cont)
        receiver.closeInput()
        #expect(try receiver.line() == "released")
        #expect(try receiver.line() == "finished 40000")
        #expect(try sender.allLines().last == "finished 40000")
    }

    /// Either end is stopped again and again while messages flow, small ones and ones in fragments.
    @Test(arguments: DeathTests.transports, [120, 300_000])
    func stoppedAgainAndAgain(_ transport: String, _ byteCount: Int) throws {
        let stage = try Stage()
        let count: UInt64 = byteCount > 1000 ? 2_000 : 200_000
        let taken = try Progress(path: stage.folder + "/taken")
        let receiver = try stage.peer(["receive", "pause", stage.folder + "/taken"], environment: forced(transport))
        let sender = try stage.peer(
            ["send", "pause", "\(count)", "\(byteCount)", stage.folder + "/sent"], environment: forced(transport))
        #expect(try receiver.line() == "linked \(transport)")
        for round in 1...40 as ClosedRange<UInt64> {
            try taken.reach(round * count / 50)
            let end = round.isMultiple(of: 2) ? sender : receiver
            end.kill(Signals.stop)
            if try end.reaches("T") { end.kill(Signals.cont) }
        }
        #expect(try receiver.allLines().last == "finished \(count)")
        #expect(try sender.allLines().last == "finished \(count)")
    }

    /// Both ends have what is left over by programs that burn every core.
    @Test(arguments: DeathTests.transports)
    func starvedEndsLoseNothing(_ transport: String) throws {
        let stage = try Stage()
        let burners = try (0..<4).map { _ in try stage.peer(["burn"]) }
        for burner in burners { #expect(try burner.line() == "burning") }
        func starved(_ arguments: [String]) throws -> Running {
            try stage.start(
                "/usr/bin/nice", ["-n", "19", Stage.built("NaruIntegrationPeer")] + arguments,
                environment: forced(transport))
        }
        let receiver = try starved(["receive", "pause", stage.folder + "/taken"])
        let sender = try starved(["send", "pause", "3000", "200", stage.folder + "/sent"])
        #expect(try sender.line() == "linked \(transport)")
        #expect(try sender.line() == "finished 3000")
        #expect(try receiver.allLines().last == "finished 3000")
        for burner in burners { burner.kill() }
    }
}
