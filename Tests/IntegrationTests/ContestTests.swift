// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// Processes that take and leave one name at once.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ContestTests {
    private func contest(_ stage: Stage, _ count: Int) throws -> Running {
        try stage.peer(["contest", "wanted", "\(count)", stage.folder + "/mark"])
    }

    private func expectNothingIsLeft(_ stage: Stage) throws {
        let sender = try stage.peer(["send", "wanted", "10", "10", stage.folder + "/sent"])
        let receiver = try stage.peer(["receive", "wanted", stage.folder + "/taken"])
        for end in [sender, receiver] {
            #expect(try end.line().hasPrefix("linked "))
            #expect(try end.line() == "finished 10")
            try expectSuccess(of: end)
        }
        #expect(try FileSystem.list(stage.folder + "/run") == [])
    }

    @Test func oneHasTheNameAtATimeAndNothingStays() throws {
        let stage = try Stage()
        let ends = try (0..<3).map { _ in try contest(stage, 300) }
        for end in ends { #expect(try end.line() == "linked none") }
        for end in ends {
            #expect(try end.line() == "finished 300")
            try expectSuccess(of: end)
        }
        #expect(try FileSystem.list(stage.folder + "/run") == [])
        try expectNothingIsLeft(stage)
    }

    /// Killed at any instruction between taking the name and leaving it, one is in nobody's way.
    @Test func whoIsKilledInTheMiddleIsInNobodysWay() throws {
        let stage = try Stage()
        let last = try contest(stage, 300)
        for _ in 0..<5 {
            let victim = try contest(stage, .max)
            #expect(try victim.line() == "linked none")
            victim.kill()
            #expect(victim.end() == .killed(Signals.kill))
        }
        #expect(try last.line() == "linked none")
        #expect(try last.line() == "finished 300")
        try expectSuccess(of: last)
        try expectNothingIsLeft(stage)
    }
}
