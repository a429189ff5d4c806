// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// kill -9 of either end at each message of the handshake. Half of the message that the victim was about to send has
/// arrived, or the message for it is on its way.
@Suite(.serialized, .timeLimit(.minutes(5))) struct HandshakeDeathTests {
    /// Two processes with a relay between them.
    private struct Pair {
        let stage: Stage
        let relay: Relay
        let receiver: Running
        let sender: Running
        private let transport: String

        init(_ transport: String) throws {
            self.transport = transport
            stage = try Stage()
            try FileSystem.makeDirectory(stage.folder + "/relay", permissions: 0o700)
            relay = try Relay(at: stage.folder + "/relay/met.sock", to: stage.folder + "/run/met.sock")
            receiver = try Self.receiver(stage, transport)
            sender = try stage.peer(
                ["send", "met", "100", "100", stage.folder + "/sent"],
                environment: [
                    "NARU_LINKS_MET_TRANSPORTS": transport, "NARU_RUNTIME_DIR": stage.folder + "/relay",
                ])
            try relay.connect()
        }

        static func receiver(_ stage: Stage, _ transport: String) throws -> Running {
            try stage.peer(
                ["receive", "met", stage.folder + "/taken"], environment: ["NARU_LINKS_MET_TRANSPORTS": transport])
        }

        /// Another end in the place of one that was killed.
        func anotherReceiver() throws -> Running { try Self.receiver(stage, transport) }

        func anotherSender() throws -> Running {
            try stage.peer(
                ["send", "met", "100", "100", stage.folder + "/sent"],
                environment: ["NARU_LINKS_MET_TRANSPORTS": transport])
        }
    }

    /// How many frames an undisturbed handshake has, until both have said that they are ready.
    private func frameCount(_ transport: String) throws -> Int {
        let pair = try Pair(transport)
        var (count, ready) = (0, 0)
        while ready < 2, let frame = try pair.relay.next() {
            count += 1
            if frame.isReady { ready += 1 }
            try pair.relay.pass(frame)
        }
        try pair.relay.passAll()
        #expect(try pair.sender.line() == "linked \(transport)")
        #expect(try pair.sender.line() == "finished 100")
        #expect(try pair.receiver.allLines() == ["linked \(transport)", "finished 100"])
        return count
    }

    @Test(arguments: DeathTests.transports, [true, false])
    func killedAtEachMessage(_ transport: String, _ killsSender: Bool) throws {
        let count = try frameCount(transport)
        #expect(count >= 6)
        for number in 0..<count {
            let pair = try Pair(transport)
            // Whether the survivor has been told that the victim is ready: then it may take the link for up.
            var isVictimReady = false
            for _ in 0..<number {
                guard let frame = try pair.relay.next() else { break }
                if frame.isReady, frame.isDialers == killsSender { isVictimReady = true }
                try pair.relay.pass(frame)
            }
            if let frame = try pair.relay.next(), frame.isDialers == killsSender {
                try pair.relay.pass(frame, byteCount: frame.bytes.count / 2)
            }
            let (victim, survivor) = killsSender ? (pair.sender, pair.receiver) : (pair.receiver, pair.sender)
            victim.kill()
            #expect(victim.end() == .killed(Signals.kill))
            pair.relay.hangUp()
            try expectUnharmed(survivor, pair, transport, mayBeLinked: isVictimReady, "message \(number)")
        }
    }

    /// The survivor's link was up and it says that its peer is gone, or it meets another in the same call.
    private func expectUnharmed(
        _ survivor: Running, _ pair: Pair, _ transport: String, mayBeLinked: Bool, _ comment: Comment
    ) throws {
        if mayBeLinked {
            #expect(try survivor.line() == "linked \(transport)", comment)
            let last = try survivor.line()
            #expect(last.hasPrefix("error peerVanished ") || last.hasPrefix("error peerKilled "), "\(last)")
            #expect(survivor.end() == .exited(0))
            return
        }
        let isReceiver = survivor === pair.receiver
        let other = isReceiver ? try pair.anotherSender() : try pair.anotherReceiver()
        if !isReceiver {
            try pair.relay.connect()
            try pair.relay.passAll()
        }
        for end in [survivor, other] {
            #expect(try end.line() == "linked \(transport)", comment)
            #expect(try end.line() == "finished 100", comment)
            #expect(end.end() == .exited(0))
        }
        #expect(try FileSystem.list(pair.stage.folder + "/run").isEmpty, comment)
    }
}
