// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

@testable import NaruSystem
import Testing

@Suite struct ProcessIdentityTests {
    @Test func currentProcessIsAliveAndStable() {
        let current = ProcessIdentity.current
        #expect(current.startTime > 0)
        #expect(current == ProcessIdentity.current)
        #expect(ProcessIdentity.of(current.processID) == current)
        #expect(current.isAlive)
    }

    @Test func sameNumberWithAnotherStartIsNotAlive() {
        let current = ProcessIdentity.current
        #expect(!ProcessIdentity(processID: current.processID, startTime: current.startTime + 1).isAlive)
        #expect(ProcessIdentity.of(Int32.max) == nil)
    }

    @Test func zombieIsDeadAndStoppedIsAlive() throws {
        let child = try ChildProcess(executable: "/bin/sleep", arguments: ["1000"])
        let identity = try #require(ProcessIdentity.of(child.processID))
        #expect(identity.isAlive)
        child.kill(Signals.stop)
        #expect(identity.isAlive)
        child.kill(Signals.kill)
        #expect(try child.handle.poll(.readable, deadline: .never).contains(.readable))
        // Ended, but nobody has waited for it yet.
        #expect(ProcessIdentity.of(child.processID) == identity)
        #expect(!identity.isAlive)
        #expect(child.wait() == .killed(Signals.kill))
        #expect(!identity.isAlive)
    }

    @Test(arguments: ["sh", "a b", ") R 1 2 3", "((", "x) Z 1"])
    func nameOfTheProgramCannotForgeFields(_ name: String) throws {
        let fields = (4...52).map { String($0 * 10) }.joined(separator: " ")
        let found = try #require(ProcessIdentity.parse(Array("77 (\(name)) S \(fields)\n".utf8)))
        #expect(found.state == UInt8(ascii: "S"))
        #expect(found.startTime == 220)
    }

    @Test(arguments: ["", "1 (a", "1 (a)", "1 (a) S 1 2 3\n", "1 (a) S " + String(repeating: "x ", count: 40)])
    func brokenLinesAreNothing(_ line: String) {
        #expect(ProcessIdentity.parse(Array(line.utf8)) == nil)
    }
}
