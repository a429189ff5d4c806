// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// A short run of the loop that `make kills` runs for minutes.
@Suite(.serialized, .timeLimit(.minutes(3))) struct KillTests {
    @Test func fiftyKillsLoseNothingAndLeaveNothing() throws {
        let stage = try Stage()
        let kills = try stage.start(Stage.built("NaruKills"), ["50"])
        let status = kills.end()
        let said = try kills.allLines()
        #expect(status == .exited(0), "\(said)")
        #expect(said.last == "50 kills: no hang, nothing lost that was handed over, nothing left behind", "\(said)")
    }
}
