// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Synchronization
import Testing

@testable import NaruCore

/// One handle for each peer process, however many links lead to it.
@Suite(.timeLimit(.minutes(1))) struct PeerProcessesTests {
    /// Counts calls, and lets a thread wait for them.
    private final class Ends: Sendable {
        private let count = Mutex(0)
        private let bell: EventCounter

        init() throws { bell = try EventCounter() }

        func add() {
            count.withLock { $0 += 1 }
            bell.signal()
        }

        func reach(_ number: Int) throws -> Bool {
            let deadline = Deadline.after(.seconds(20))
            while count.withLock({ $0 }) < number {
                guard try !bell.descriptor.poll(.readable, deadline: deadline).isEmpty else { return false }
                bell.drain()
            }
            return count.withLock { $0 } == number
        }
    }

    /// A child that waits to be killed, and the table under test.
    private final class Stage {
        let reactor: Reactor
        let processes: PeerProcesses
        let child: ChildProcess
        let identity: ProcessIdentity

        init() throws {
            reactor = try Reactor(name: "test")
            processes = PeerProcesses(reactor: reactor)
            child = try ChildProcess(executable: "/bin/sleep", arguments: ["60"])
            identity = try #require(ProcessIdentity.of(child.processID))
        }

        func watch(_ ends: Ends) throws -> PeerProcesses.Watch {
            let id = child.processID
            let watch = processes.watch(identity, open: { try? ProcessHandle.open(id) }, { ends.add() })
            return try #require(watch)
        }

        deinit {
            child.kill(Signals.kill)
            _ = child.wait()
            reactor.shutdown()
        }
    }

    @Test func linksToOneProcessShareOneHandleAndEachIsTold() throws {
        let stage = try Stage()
        let ends = try Ends()
        let watches = try (0..<100).map { _ in try stage.watch(ends) }
        #expect(Set(watches.map(\.handle.raw)).count == 1)
        #expect(stage.processes.count == 1)
        stage.child.kill(Signals.kill)
        #expect(try ends.reach(100))
        #expect(ProcessHandle.exitStatus(watches[0].handle) == .killed(Signals.kill))
        #expect(stage.processes.count == 0)
    }

    @Test func theHandleGoesWithTheLastInterest() throws {
        let stage = try Stage()
        let (ends, others) = (try Ends(), try Ends())
        let first = try stage.watch(ends)
        let second = try stage.watch(others)
        stage.processes.stop(first)
        stage.processes.stop(first)
        #expect(stage.processes.count == 1)
        stage.child.kill(Signals.kill)
        #expect(try others.reach(1))
        #expect(try ends.reach(0))
        stage.processes.stop(second)
        #expect(stage.processes.count == 0)
    }

    @Test func aProcessThatHasEndedIsNotTakenForItsSuccessor() throws {
        let stage = try Stage()
        let ends = try Ends()
        // The reactor's thread is busy, so that the end of the first is not told before the second asks.
        let (busy, free) = (try EventCounter(), try EventCounter())
        stage.reactor.perform {
            busy.signal()
            _ = try? free.descriptor.poll(.readable, deadline: .after(.seconds(20)))
        }
        _ = try busy.descriptor.poll(.readable, deadline: .after(.seconds(20)))
        let first = try stage.watch(ends)
        stage.child.kill(Signals.kill)
        _ = try first.handle.poll(.readable, deadline: .after(.seconds(20)))
        // Not reaped yet: its number still opens, but it is not the one that runs.
        let second = try stage.watch(ends)
        #expect(second.handle !== first.handle)
        free.signal()
        #expect(try ends.reach(2))
        #expect(stage.processes.count == 0)
    }

    @Test func processesWithoutANumberHereShareNothing() throws {
        let stage = try Stage()
        let own = ProcessIdentity.current.processID
        let unknown = ProcessIdentity(processID: 0, startTime: 1)
        let watches = try (0..<2).map { _ in
            let watch = stage.processes.watch(unknown, open: { try? ProcessHandle.open(own) }, {})
            return try #require(watch)
        }
        #expect(watches[0].handle !== watches[1].handle)
        for watch in watches { stage.processes.stop(watch) }
        #expect(stage.processes.count == 0)
    }
}
