// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// kill -9 of either end, while data flows and while idle.
@Suite(.serialized, .timeLimit(.minutes(2))) struct DeathTests {
    /// Those whose lanes hold more than a few messages.
    static let deepTransports = ["shared-memory", "unix-socket", "fifo", "tcp"]
    static let transports = ["shared-memory", "unix-socket", "fifo", "posix-queue", "sysv-queue", "tcp"]

    private func forced(_ transport: String) -> [String: String] {
        ["NARU_LINKS_DEATH_TRANSPORTS": transport]
    }

    /// The error says that the peer died: a parent's own child would give the signal, a stranger may only have
    /// vanished.
    private func saysThatThePeerDied(_ line: String) -> Bool {
        line.hasPrefix("error peerKilled ") || line.hasPrefix("error peerVanished ")
    }

    @Test(arguments: transports)
    func aReceiverGetsEverythingHandedOver(_ transport: String) throws {
        let stage = try Stage()
        let sent = try Progress(path: stage.folder + "/sent")
        let taken = try Progress(path: stage.folder + "/taken")
        let receiver = try stage.peer(["receive", "death", stage.folder + "/taken"], environment: forced(transport))
        let sender = try stage.peer(
            ["send", "death", "1000000000", "200", stage.folder + "/sent"], environment: forced(transport))
        #expect(try receiver.line() == "linked \(transport)")
        try taken.reach(2_000)
        sender.kill()
        #expect(sender.end() == .killed(Signals.kill))
        let last = try receiver.line()
        #expect(saysThatThePeerDied(last), "\(last)")
        #expect(taken.count >= sent.count)
    }

    @Test(arguments: transports)
    func aSenderLearnsThatItsReceiverDied(_ transport: String) throws {
        let stage = try Stage()
        let taken = try Progress(path: stage.folder + "/taken")
        let receiver = try stage.peer(["receive", "death", stage.folder + "/taken"], environment: forced(transport))
        let sender = try stage.peer(
            ["send", "death", "1000000000", "200", stage.folder + "/sent"], environment: forced(transport))
        #expect(try sender.line() == "linked \(transport)")
        try taken.reach(2_000)
        receiver.kill()
        let last = try sender.line()
        #expect(saysThatThePeerDied(last), "\(last)")
        #expect(sender.end() == .exited(0))
    }

    @Test(arguments: transports)
    func anIdleReceiverLearnsOfItsSendersDeath(_ transport: String) throws {
        let stage = try Stage()
        let receiver = try stage.peer(["hold-receiver", "death"], environment: forced(transport))
        let sender = try stage.peer(["hold-sender", "death"], environment: forced(transport))
        #expect(try sender.line() == "linked \(transport)")
        #expect(try receiver.line() == "linked \(transport)")
        sender.kill()
        let last = try receiver.line()
        #expect(saysThatThePeerDied(last), "\(last)")
        #expect(receiver.end() == .exited(0))
    }

    @Test(arguments: transports)
    func anIdleSenderLearnsOfItsReceiversDeath(_ transport: String) throws {
        let stage = try Stage()
        let receiver = try stage.peer(["hold-receiver", "death"], environment: forced(transport))
        let sender = try stage.peer(["hold-sender", "death"], environment: forced(transport))
        #expect(try sender.line() == "linked \(transport)")
        #expect(try receiver.line() == "linked \(transport)")
        receiver.kill()
        #expect(receiver.end() == .killed(Signals.kill))
        sender.closeInput()
        let last = try sender.line()
        #expect(saysThatThePeerDied(last), "\(last)")
        #expect(sender.end() == .exited(0))
    }

    @Test(arguments: transports)
    func nothingIsLeftThatTheNextStartDoesNotTakeOver(_ transport: String) throws {
        let stage = try Stage()
        let before = try FileSystem.list("/dev/shm").sorted()
        for _ in 0..<3 {
            let taken = try Progress(path: stage.folder + "/taken")
            let receiver = try stage.peer(
                ["receive", "death", stage.folder + "/taken"], environment: forced(transport))
            let sender = try stage.peer(
                ["send", "death", "1000000000", "64", stage.folder + "/sent"], environment: forced(transport))
            #expect(try receiver.line() == "linked \(transport)")
            try taken.reach(taken.count + 100)
            receiver.kill()
            _ = receiver.end()
            #expect(try sender.line() == "linked \(transport)")
            let last = try sender.line()
            #expect(saysThatThePeerDied(last), "\(last)")
            #expect(try sender.allErrors().isEmpty)
        }
        #expect(try FileSystem.list("/dev/shm").sorted() == before)
    }
}
