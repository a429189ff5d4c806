// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// A few points of each line of the sweep, evenly spread and the same in every run. `make sweep` does them all.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SweepTests {
    @Test func killsAtNamedPointsLoseNothingAndLeaveNothing() throws {
        let stage = try Stage()
        let sweep = try stage.start(Stage.built("NaruSweep"), ["--sample", "6"])
        // Read as it comes: more than a socket holds would stop it.
        var lines: [String] = []
        while let line = try? sweep.patientLine() { lines.append(line) }
        let status = sweep.end()
        if status == .exited(77) {
            print(lines.last ?? "not swept")
            return
        }
        #expect(status == .exited(0), "\(lines.filter { $0.contains("WRONG") })")
        #expect(lines.last?.hasSuffix("kills: no hang, nothing lost, nothing left behind") == true, "\(lines)")
        // Each line of the table was swept.
        #expect(lines.count > 50, "\(lines)")
    }
}
