// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@testable import NaruCore

@Suite struct PatienceTests {
    /// A wait that spins until it is over, as one that had to sleep.
    private func missed(_ patience: inout Patience) -> WaitSpell {
        var spell = patience.begin(.thread, deadline: .never)
        while !spell.isOver { _ = spell.goesOn(after: .nothing) }
        patience.end(spell)
        return spell
    }

    /// A wait that comes true at once.
    private func met(_ patience: inout Patience) -> WaitSpell {
        var spell = patience.begin(.thread, deadline: .never)
        _ = spell.goesOn(after: .found)
        patience.end(spell)
        return spell
    }

    @Test func powerNeverSpins() {
        var patience = Patience(.power)
        let (thread, task) = (patience.begin(.thread, deadline: .never), patience.begin(.task, deadline: .never))
        #expect(thread.isOver)
        #expect(task.isOver)
    }

    @Test func latencySpinsAThreadForEverAndATaskForAWhile() {
        var patience = Patience(.latency)
        let several = HostInformation.coreCount > 1
        let (thread, task) = (patience.begin(.thread, deadline: .never), patience.begin(.task, deadline: .never))
        #expect(thread.limit == (several ? .max : 0))
        #expect(task.limit == (several ? Patience.longest : 0))
    }

    @Test(.enabled(if: HostInformation.coreCount > 1, "nobody spins on a host with one core"))
    func balancedStopsSpinningWhereItNeverHelps() {
        var patience = Patience(.balanced)
        let first = patience.begin(.thread, deadline: .never)
        #expect(first.limit > 0)
        for _ in 0..<64 { _ = missed(&patience) }
        // Of the next 32 waits one tries a little, the others sleep at once.
        let spells = (0..<32).map { _ in missed(&patience) }
        #expect(spells.filter { $0.limit > 0 }.count == 1)
        #expect(spells.allSatisfy { $0.limit <= Patience.longest })
    }

    @Test(.enabled(if: HostInformation.coreCount > 1, "nobody spins on a host with one core"))
    func balancedSpinsAgainOnceThatHelps() {
        var patience = Patience(.balanced)
        for _ in 0..<64 { _ = missed(&patience) }
        // The trial comes true: from then on every wait spins.
        while met(&patience).limit == 0 {}
        let spells = (0..<32).map { _ in met(&patience) }
        #expect(spells.allSatisfy { $0.limit > 0 })
    }

    @Test func aPastDeadlineEndsASpell() {
        var patience = Patience(.latency)
        var spell = patience.begin(.thread, deadline: Deadline(nanoseconds: 1))
        let goesOn = spell.goesOn(after: .nothing)
        #expect(!goesOn)
        #expect(spell.isOver)
    }

    @Test func aLaneThatAlwaysFindsSomethingDoesNotSpinForEver() {
        var patience = Patience(.latency)
        var spell = patience.begin(.task, deadline: .never)
        while spell.goesOn(after: .found) {}
        #expect(spell.isOver)
    }

    @Test func aSharedCoreEndsASpell() {
        var patience = Patience(.latency)
        var spell = patience.begin(.thread, deadline: .never)
        let goesOn = spell.goesOn(after: .pointless)
        #expect(!goesOn)
    }
}
