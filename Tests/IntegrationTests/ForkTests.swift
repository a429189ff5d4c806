// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// A process with endpoints forks: in the child they throw `forked`, and the parent's links do not notice.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ForkTests {
    @Test(arguments: DeathTests.transports)
    func aForkedSenderTouchesNothing(_ transport: String) throws {
        let stage = try Stage()
        let environment = ["NARU_LINKS_FORK_TRANSPORTS": transport]
        let receiver = try stage.peer(["receive", "fork", stage.folder + "/taken"], environment: environment)
        let sender = try stage.peer(["fork-send", "fork"], environment: environment)
        #expect(try sender.line() == "linked \(transport)")
        #expect(try sender.line() == "child 0")
        #expect(try sender.line() == "finished 200")
        #expect(try receiver.line() == "linked \(transport)")
        #expect(try receiver.line() == "finished 200")
        try expectSuccess(of: sender)
    }

    @Test(arguments: DeathTests.transports)
    func aForkedReceiverTouchesNothing(_ transport: String) throws {
        let stage = try Stage()
        let environment = ["NARU_LINKS_FORK_TRANSPORTS": transport]
        let receiver = try stage.peer(["fork-receive", "fork"], environment: environment)
        let sender = try stage.peer(["send", "fork", "5000", "64", stage.folder + "/sent"], environment: environment)
        #expect(try receiver.line() == "linked \(transport)")
        #expect(try receiver.line() == "child 0")
        #expect(try receiver.line() == "finished 5000")
        #expect(try sender.line() == "linked \(transport)")
        #expect(try sender.line() == "finished 5000")
        try expectSuccess(of: receiver)
    }
}
