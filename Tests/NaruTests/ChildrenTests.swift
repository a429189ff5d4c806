// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem
import Testing

/// Programs started with links attached: what is refused, how their end is waited for. What travels is shown between
/// real programs by the integration tests.
@Suite(.timeLimit(.minutes(1))) struct ChildrenTests {
    private let place: Place

    init() throws { place = try Place() }

    private func shell(_ script: String, links: [String] = []) -> ChildProgram {
        ChildProgram("/bin/sh", ["-c", script], links: links)
    }

    @Test func whatCannotBeStartedIsNamed() async throws {
        let naru = try await place.naru()
        let missing = await failure { _ = try naru.start(ChildProgram("/no/such/program")) }
        #expect(missing?.reason.contains("ENOENT") == true)
        for links in [["Frames"], [""], ["a", "a"], (0..<65).map { "l\($0)" }] {
            #expect(await failure { _ = try naru.start(shell("true", links: links)) }?.code == .invalidArgument)
        }
        await naru.shutdown()
        #expect(await failure { _ = try naru.start(shell("true")) }?.code == .closed)
    }

    @Test func theEndIsToldToAllWhoWait() async throws {
        let naru = try await place.naru()
        let child = try naru.start(shell("exit 5"))
        async let first = child.waitForEnd()
        async let second = child.waitForEnd()
        #expect(try await first == .exited(5))
        #expect(try await second == .exited(5))
        #expect(try await child.waitForEnd() == .exited(5))
        #expect(try child.waitForEndBlocking() == .exited(5))
        #expect(child.exitStatus == .exited(5))
        child.kill()
        await naru.shutdown()
    }

    @Test func waitsEndByDeadlineCancellationAndShutdown() async throws {
        let naru = try await place.naru()
        let child = try naru.start(ChildProgram("/bin/sleep", ["1000"]))
        defer { child.kill() }
        #expect(child.exitStatus == nil)
        let soon = Deadline.after(.milliseconds(1))
        #expect(await failure { _ = try await child.waitForEnd(deadline: soon) }?.code == .deadlineExceeded)
        #expect(await failure { _ = try child.waitForEndBlocking(deadline: soon) }?.code == .deadlineExceeded)
        let cancelled = Task { try await child.waitForEnd() }
        cancelled.cancel()
        #expect(await failure { _ = try await cancelled.value }?.code == .cancelled)
        let waiting = Task { try await child.waitForEnd() }
        await naru.shutdown()
        #expect(await failure { _ = try await waiting.value }?.code == .closed)
        #expect(child.exitStatus == nil, "a shutdown ends no program")
        child.kill()
        #expect(try child.waitForEndBlocking() == .killed(9))
    }

    @Test func aLinkThatTheProgramDoesNotOpen() async throws {
        let naru = try await place.naru()
        let child = try naru.start(ChildProgram("/bin/sleep", ["1000"], links: ["work"]))
        defer { child.kill() }
        let soon = Deadline.after(.milliseconds(5))
        let late = await failure { _ = try await naru.receiver("work", from: child, deadline: soon) }
        #expect(late?.code == .unreachable)
        // Its one connection is used up, and the message says so.
        #expect(await failure { _ = try await naru.sender("work", to: child) }?.code == .closed)
        let error = await failure { _ = try await naru.sender("other", to: child) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.reason.contains("work") == true)
        await naru.shutdown()
    }

    @Test func aProgramThatEndsBeforeItOpensItsLink() async throws {
        let naru = try await place.naru()
        let exits = try naru.start(shell("exit 9", links: ["work"]))
        let error = await failure { _ = try await naru.receiver("work", from: exits) }
        #expect(error?.code == .peerExited)
        #expect(error?.closeReason?.exitCode == 9)
        let killed = try naru.start(shell("kill -15 $$", links: ["work"]))
        #expect(await failure { _ = try await naru.sender("work", to: killed) }?.closeReason?.signal == 15)
        #expect(try await killed.waitForEnd() == .killed(15))
        await naru.shutdown()
    }

    @Test func theVariableIsTheChildsAlone() async throws {
        let naru = try await place.naru()
        func variable(_ program: ChildProgram) async throws -> String {
            let (reading, writing) = try SystemPipe.make(nonBlocking: false)
            var program = program
            program.standardOutput = writing
            let child = try naru.start(program)
            writing.close()
            #expect(try await child.waitForEnd() == .exited(0))
            var bytes = [UInt8](repeating: 0, count: 4096)
            // Written only during the call.
            let result = unsafe try bytes.withUnsafeMutableBytes { unsafe try reading.read(into: $0) }
            guard case .bytes(let count) = result else { return "" }
            return String(decoding: bytes[..<count], as: UTF8.self)
        }
        let script = "echo \"$NARU_INHERITED\""
        #expect(try await variable(shell(script)) == "\n")
        #expect(try await variable(shell(script, links: ["a", "b"])).wholeMatch(of: /a=3:[0-9]+,b=4:[0-9]+\n/) != nil)
        var bare = shell(script + "; echo $OTHER", links: ["a"])
        bare.environment = ["OTHER": "1", "NARU_INHERITED": "x=3:4"]
        #expect(try await variable(bare).wholeMatch(of: /a=3:[0-9]+\n1\n/) != nil)
        await naru.shutdown()
    }

    @Test func inheritedIsOnlyWhatWasInherited() async throws {
        let naru = try await place.naru(["NARU_INHERITED": "frames=3000:1"])
        #expect(naru.warnings.count == 1)
        #expect(try naru.settings(for: "frames").address == .local(name: "frames"))
        #expect(try naru.settings(for: "inherited:frames").address == .inherited(name: "frames"))
        #expect(await failure { _ = try await naru.receiver("inherited:frames") }?.code == .unreachable)
        #expect(await failure { _ = try await naru.receiver("inherited:") }?.code == .invalidArgument)
        #expect(await failure { _ = try naru.listener("inherited:frames") }?.code == .unsupported)
        await naru.shutdown()
    }
}
