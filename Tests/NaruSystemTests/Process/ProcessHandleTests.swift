// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Glibc
import NaruSystem
import Testing

@Suite struct ProcessHandleTests {
    @Test func tellsAChildsEndWithoutReaping() throws {
        let child = try ChildProcess(executable: "/bin/sh", arguments: ["-c", "kill -9 $$"])
        let handle = try ProcessHandle.open(child.processID)
        #expect(try handle.poll(.readable, deadline: .never).contains(.readable))
        #expect(ProcessHandle.hasExited(handle))
        #expect(ProcessHandle.exitStatus(handle) == .killed(Signals.kill))
        #expect(ProcessHandle.exitStatus(handle) == .killed(Signals.kill))
        #expect(child.wait() == .killed(Signals.kill))
    }

    @Test func runningProcessHasNoStatus() throws {
        let own = try ProcessHandle.open(ProcessIdentity.current.processID)
        #expect(!ProcessHandle.hasExited(own))
        #expect(ProcessHandle.exitStatus(own) == nil)
        try ProcessHandle.signal(own, 0)
    }

    /// After it was reaped only the kernel's own record, of Linux 6.15, tells.
    @Test func tellsTheEndAfterReapingWhereTheKernelDoes() throws {
        let child = try ChildProcess(executable: "/bin/sh", arguments: ["-c", "exit 3"])
        let handle = try ProcessHandle.open(child.processID)
        #expect(child.wait() == .exited(3))
        #expect(ProcessHandle.hasExited(handle))
        let status = ProcessHandle.exitStatus(handle)
        #expect(status == .exited(3) || (status == nil && !kernelIsAtLeast(6, 15)))
        #expect(
            thrown { () throws(SystemError) in try ProcessHandle.signal(handle, 0) } == SystemErrno.noSuchProcess)
    }

    /// A grandchild: the status of a process that is no child of this one, reaped by its own parent.
    @Test func tellsTheEndOfAGrandchildWhereTheKernelDoes() throws {
        let (a, b) = try UnixSocket.pair(kind: .stream)
        try UnixSocket.passCredentials(b, true)
        let input = try SystemPipe.make(nonBlocking: false)
        let child = try ChildProcess(
            executable: "/bin/sh", arguments: ["-c", "sh -c 'echo; read line; exit 5'; exit 0"],
            standardInput: input.reading, standardOutput: a)
        a.close()
        #expect(try b.poll(.readable, deadline: .never).contains(.readable))
        let grandchild = try #require(try receiveMessage(b, maximumDescriptors: 0).credentials)
        #expect(grandchild.processID != child.processID)
        let handle = try ProcessHandle.open(grandchild.processID)
        #expect(try write("go\n", to: input.writing) == .bytes(3))
        #expect(child.wait() == .exited(0))
        let status = ProcessHandle.exitStatus(handle)
        #expect(status == .exited(5) || (status == nil && !kernelIsAtLeast(6, 15)))
    }

    @Test func peerOfASocketIsHeld() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("socket")
        let listener = try UnixSocket.listen(path: path, backlog: 1, permissions: 0o600)
        let dialer = try UnixSocket.connect(path: path)
        let handle = try ProcessHandle.peer(of: dialer)
        #expect(handle != nil || !kernelIsAtLeast(6, 5))
        if let handle {
            #expect(!ProcessHandle.hasExited(handle))
            #expect(fcntl(handle.raw, F_GETFD) & FD_CLOEXEC != 0)
        }
        listener.close()
        #expect(throws: SystemError.self) { try ProcessHandle.peer(of: EventCounter().descriptor) }
    }

    @Test func numberOfNobodyIsRefused() {
        #expect(
            thrown { () throws(SystemError) in _ = try ProcessHandle.open(Int32.max) } == SystemErrno.noSuchProcess)
        #expect(thrown { () throws(SystemError) in _ = try ProcessHandle.open(-1) } == SystemErrno.invalid)
    }

    private func kernelIsAtLeast(_ major: Int, _ minor: Int) -> Bool {
        let numbers = HostInformation.kernelRelease.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        return numbers.count == 2 && (numbers[0], numbers[1]) >= (major, minor)
    }
}
