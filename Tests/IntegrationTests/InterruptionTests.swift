// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// Signals that interrupt both ends all the time.
@Suite(.serialized, .timeLimit(.minutes(2))) struct InterruptionTests {
    @Test(arguments: DeathTests.transports)
    func aThousandInterruptionsASecondLoseNothing(_ transport: String) throws {
        let stage = try Stage()
        let environment = ["NARU_LINKS_SIGNALS_TRANSPORTS": transport]
        let receiver = try stage.peer(["interrupted-receive", "signals"], environment: environment)
        let sender = try stage.peer(["interrupted-send", "signals"], environment: environment)
        #expect(try sender.line() == "linked \(transport)")
        #expect(try receiver.line() == "linked \(transport)")
        let last = try sender.line()
        #expect(last.hasPrefix("finished "), "\(last)")
        #expect(try receiver.line() == last)
        try expectSuccess(of: sender)
        try expectSuccess(of: receiver)
    }
}
