// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// A short run of what `make flip` does for millions of rounds.
@Suite(.serialized, .timeLimit(.minutes(10))) struct FlipperTests {
    @Test func memoryThatChangesWhileItIsUsedDoesNoHarm() throws {
        let stage = try Stage()
        let flipper = try stage.start(Stage.built("NaruFlipper"), ["200000"])
        let status = flipper.end()
        let said = try flipper.allLines()
        let errors = try flipper.allErrors()
        #expect(status == .exited(0), "\(said), \(errors)")
        #expect(
            said.last
                == "200000 rounds: nothing outside the rings, no trap, typed errors only, and the next link works",
            "\(said)")
    }
}
