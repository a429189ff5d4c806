// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Glibc
import NaruSystem
import Testing

@Suite struct ChildProcessTests {
    @Test(arguments: [Int32(0), 1, 42, 255])
    func tellsTheExitCode(_ code: Int32) throws {
        let child = try ChildProcess(executable: "/bin/sh", arguments: ["-c", "exit \(code)"])
        #expect(child.wait() == .exited(code))
        #expect(child.wait() == .exited(code))
        #expect(child.poll() == .exited(code))
        child.kill(Signals.kill)
    }

    @Test(arguments: [Signals.kill, Signals.term, Signals.segmentationFault])
    func tellsTheSignal(_ signal: Int32) throws {
        let child = try ChildProcess(executable: "/bin/sleep", arguments: ["1000"])
        #expect(child.poll() == nil)
        child.kill(signal)
        #expect(child.wait() == .killed(signal))
    }

    @Test func waitsFromManyThreads() throws {
        let child = try ChildProcess(executable: "/bin/sleep", arguments: ["1000"])
        let log = Log<NaruSystem.ExitStatus>()
        let threads = try (0..<4).map { _ in try SystemThread(name: "waiter") { log.append(child.wait()) } }
        child.kill(Signals.kill)
        for thread in threads { thread.join() }
        #expect(log.all == Array(repeating: .killed(Signals.kill), count: 4))
    }

    @Test func streamsAndArgumentsArrive() throws {
        let input = try SystemPipe.make(nonBlocking: false)
        let output = try SystemPipe.make(nonBlocking: false)
        let errors = try SystemPipe.make(nonBlocking: false)
        let child = try ChildProcess(
            executable: "/bin/sh", arguments: ["-c", "cat; echo \"$0:$1:$VALUE:$HOME\"; echo bad >&2", "a b", "ü"],
            environment: ["VALUE=1 2"], standardInput: input.reading, standardOutput: output.writing,
            standardError: errors.writing)
        for own in [input.reading, output.writing, errors.writing] { own.close() }
        #expect(try write("in\n", to: input.writing) == .bytes(3))
        input.writing.close()
        #expect(child.wait() == .exited(0))
        #expect(try read(output.reading).1 == "in\na b:ü:1 2:\n")
        #expect(try read(output.reading).0 == .endOfFile)
        #expect(try read(errors.reading).1 == "bad\n")
    }

    /// The targets are the numbers of other sources: in whatever order they are copied, none may be overwritten.
    @Test func inheritedNumbersMaySwap() throws {
        let output = try SystemPipe.make(nonBlocking: false)
        let first = try SystemPipe.make(nonBlocking: false)
        let second = try SystemPipe.make(nonBlocking: false)
        #expect(try write("first", to: first.writing) == .bytes(5))
        #expect(try write("second", to: second.writing) == .bytes(6))
        first.writing.close()
        second.writing.close()
        let script = "cat /proc/self/fd/\(second.reading.raw) /proc/self/fd/\(first.reading.raw)"
        let child = try ChildProcess(
            executable: "/bin/sh", arguments: ["-c", script], standardOutput: output.writing,
            inherit: [(first.reading, as: second.reading.raw), (second.reading, as: first.reading.raw)])
        #expect(child.wait() == .exited(0))
        #expect(try read(output.reading).1 == "firstsecond")
    }

    @Test func sameNumberIsInheritedAndNothingElse() throws {
        let output = try SystemPipe.make(nonBlocking: false)
        let kept = try MemoryFile.create(name: "kept", byteCount: 1)
        let other = try MemoryFile.create(name: "other", byteCount: 1)
        let script = "for fd in \(kept.raw) \(other.raw); do [ -e /proc/self/fd/$fd ] && echo $fd; done; true"
        let child = try ChildProcess(
            executable: "/bin/sh", arguments: ["-c", script], standardOutput: output.writing,
            inherit: [(kept, as: kept.raw)])
        #expect(child.wait() == .exited(0))
        #expect(try read(output.reading).1 == "\(kept.raw)\n")
    }

    /// The threads of this module block every signal; a program started from one must not.
    @Test func signalsOfAChildStartedFromASystemThreadWork() throws {
        let log = Log<NaruSystem.ExitStatus?>()
        let thread = try SystemThread(name: "starter") {
            let child = try? ChildProcess(executable: "/bin/sleep", arguments: ["1000"])
            child?.kill(Signals.term)
            log.append(child?.wait())
        }
        thread.join()
        #expect(log.all == [.killed(Signals.term)])
    }

    @Test func programThatCannotStartIsAnError() throws {
        #expect(
            thrown { () throws(SystemError) in _ = try ChildProcess(executable: "/nowhere/x", arguments: []) }
                == SystemErrno.notFound)
        #expect(
            thrown { () throws(SystemError) in _ = try ChildProcess(executable: "/proc/version", arguments: []) }
                == SystemErrno.accessDenied)
        #expect(
            thrown { () throws(SystemError) in _ = try ChildProcess(executable: "/bin/sh", arguments: ["a\0b"]) }
                == SystemErrno.invalid)
        let closed = try MemoryFile.create(name: "closed", byteCount: 1)
        closed.close()
        #expect(
            thrown { () throws(SystemError) in
                _ = try ChildProcess(executable: "/bin/sh", arguments: [], standardInput: closed)
            } == SystemErrno.badDescriptor)
    }
}
