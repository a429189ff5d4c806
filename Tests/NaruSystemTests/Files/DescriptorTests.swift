// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import CNaruSystem
import Glibc
import NaruSystem
import Testing

@Suite struct DescriptorTests {
    @Test func closesWithTheLastReference() throws {
        let (reading, writing) = try SystemPipe.make(nonBlocking: true)
        var held: Descriptor? = writing
        _ = consume writing
        #expect(try read(reading).0 == .wouldBlock)
        held = nil
        #expect(held == nil)
        #expect(try eventually { () throws(SystemError) in try read(reading).0 == .endOfFile })
    }

    @Test func closesOnceAndRefusesCallsAfterwards() throws {
        let (reading, writing) = try SystemPipe.make(nonBlocking: true)
        writing.close()
        writing.close()
        #expect(try eventually { () throws(SystemError) in try read(reading).0 == .endOfFile })
        #expect(throws: SystemError.self) { try write("x", to: writing) }
        #expect(thrown { () throws(SystemError) in _ = try writing.status() } == SystemErrno.badDescriptor)
        #expect(thrown { () throws(SystemError) in _ = try writing.duplicate() } == SystemErrno.badDescriptor)
        #expect(
            thrown { () throws(SystemError) in _ = try writing.poll(.writable, deadline: .never) }
                == SystemErrno.badDescriptor)
    }

    /// In another process, where nobody else takes the number.
    @Test func closedOneNeverReachesTheNextOwnerOfItsNumber() async {
        await #expect(processExitsWith: .exitCode(7)) {
            var first: Descriptor? = try MemoryFile.create(name: "first", byteCount: 1)
            let number = first!.raw
            first!.close()
            let second = try MemoryFile.create(name: "second", byteCount: 2)
            guard second.raw == number else { exit(1) }
            first!.close()
            guard thrown({ () throws(SystemError) in try first!.truncate(to: 9) }) == SystemErrno.badDescriptor else {
                exit(2)
            }
            first = nil
            exit(try second.status().byteCount == 2 ? 7 : 3)
        }
    }

    @Test func isCloseOnExecFromBirth() throws {
        let (reading, _) = try SystemPipe.make(nonBlocking: false)
        let (socket, _) = try UnixSocket.pair(kind: .stream)
        for descriptor in [reading, socket, try reading.duplicate(), try EventCounter().descriptor] {
            #expect(fcntl(descriptor.raw, F_GETFD) & FD_CLOEXEC != 0)
        }
    }

    @Test func duplicateIsTheSameFileAndLivesOn() throws {
        let file = try MemoryFile.create(name: "file", byteCount: 10)
        let copy = try file.duplicate()
        #expect(copy.raw != file.raw)
        #expect(try copy.status() == file.status())
        file.close()
        #expect(try copy.status().byteCount == 10)
    }

    @Test func readsAndWrites() throws {
        let (reading, writing) = try SystemPipe.make(nonBlocking: true)
        #expect(try read(reading).0 == .wouldBlock)
        #expect(try write("hello", to: writing) == .bytes(5))
        #expect(try UnixSocket.pendingInput(reading) == 5)
        #expect(try read(reading, 3).1 == "hel")
        #expect(try read(reading, 0).0 == .bytes(0))
        #expect(try read(reading).1 == "lo")
    }

    @Test func fullPipeWouldBlock() throws {
        let (reading, writing) = try SystemPipe.make(nonBlocking: true)
        let capacity = try SystemPipe.setCapacity(of: writing, byteCount: 4096)
        #expect(try SystemPipe.capacity(of: reading) == capacity)
        let text = String(repeating: "x", count: capacity)
        #expect(try write(text, to: writing) == .bytes(capacity))
        #expect(try write("y", to: writing) == .wouldBlock)
        #expect(try writing.pollOnce(.writable) == [])
    }

    @Test func nonBlockingIsSetAfterwards() throws {
        let (reading, writing) = try SystemPipe.make(nonBlocking: false)
        try reading.setNonBlocking()
        #expect(try read(reading).0 == .wouldBlock)
        withExtendedLifetime(writing) {}
    }

    @Test func writesTwoBuffersAtOnce() throws {
        let (reading, writing) = try SystemPipe.make(nonBlocking: true)
        let parts = (Array("ab".utf8), Array("cde".utf8))
        let result = unsafe try parts.0.withUnsafeBytes { a in
            unsafe try parts.1.withUnsafeBytes { b in unsafe try writing.writev(a, b) }
        }
        #expect(result == .bytes(5))
        #expect(try read(reading).1 == "abcde")
    }

    @Test func sendsTwoBuffersThroughASocket() throws {
        let (a, b) = try UnixSocket.pair(kind: .stream)
        #expect(try send("head", "body", to: a) == .bytes(8))
        #expect(try send("tail", "", to: a) == .bytes(4))
        #expect(try receive(b).1 == "headbodytail")
        #expect(try receive(b).0 == .wouldBlock)
    }

    @Test func socketEndsTellTheirEnd() throws {
        let (a, b) = try UnixSocket.pair(kind: .stream)
        #expect(try send("last", "", to: a) == .bytes(4))
        a.shutdownWrite()
        #expect(try receive(b).1 == "last")
        #expect(try receive(b).0 == .endOfFile)
        #expect(try send("back", "", to: b) == .bytes(4))
        #expect(try receive(a).1 == "back")
        a.shutdownBoth()
        #expect(thrown { () throws(SystemError) in _ = try send("more", "", to: b) } == SystemErrno.brokenPipe)
        // Without a connection there is nothing to end.
        try EventCounter().descriptor.shutdownBoth()
    }

    /// In another process, which the signal would kill.
    @Test func brokenPipeIsAnErrorAndNoSignal() async {
        await #expect(processExitsWith: .exitCode(7)) {
            signal(SIGPIPE, SIG_DFL)
            let (reading, writing) = try SystemPipe.make(nonBlocking: true)
            reading.close()
            guard thrown({ () throws(SystemError) in _ = try write("x", to: writing) }) == SystemErrno.brokenPipe,
                // The way of kernels that have no flag for it.
                naru_write_masking(writing.raw, nil, 0, nil, 0) == 0,
                unsafe naru_write_masking(writing.raw, "x", 1, "y", 1) == -Int64(EPIPE)
            else { exit(1) }
            var pending = sigset_t()
            unsafe sigpending(&pending)
            exit(unsafe sigismember(&pending, SIGPIPE) == 0 ? 7 : 2)
        }
    }

    @Test func fileIsReadAndWrittenByPosition() throws {
        let directory = try TemporaryDirectory()
        let file = try FileSystem.open(directory.path("file"), [.read, .write, .create, .exclusive])
        let text = Array("0123456789".utf8)
        unsafe try text.withUnsafeBytes { unsafe try file.pwrite($0, at: 5) }
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = unsafe try bytes.withUnsafeMutableBytes { unsafe try file.pread(into: $0, at: 10) }
        #expect(String(decoding: bytes.prefix(count), as: UTF8.self) == "56789")
        try file.truncate(to: 7)
        #expect(try file.status().byteCount == 7)
        try file.allocate(byteCount: 8192)
        #expect(try file.status().byteCount == 8192)
        try file.sync()
    }

    @Test func lockHasOneHolder() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("lock")
        let first = try FileSystem.open(path, [.read, .write, .create])
        let second = try FileSystem.open(path, [.read, .write])
        #expect(try first.tryLock())
        #expect(try first.tryLock())
        #expect(try !second.tryLock())
        let copy = try first.duplicate()
        first.close()
        #expect(try !second.tryLock())
        copy.close()
        #expect(try eventually { () throws(SystemError) in try second.tryLock() })
    }

    @Test func pollsOneOrTheOther() throws {
        let (reading, writing) = try SystemPipe.make(nonBlocking: true)
        let (a, b) = try UnixSocket.pair(kind: .stream)
        let past = Deadline(nanoseconds: 0)
        #expect(try Descriptor.pollAny(reading, .readable, a, .readable, deadline: past) == ([], []))
        #expect(try write("x", to: writing) == .bytes(1))
        #expect(try Descriptor.pollAny(reading, .readable, a, .readable, deadline: .never) == (.readable, []))
        #expect(try send("y", "", to: b) == .bytes(1))
        #expect(try Descriptor.pollAny(reading, .readable, a, .readable, deadline: .never) == (.readable, .readable))
        writing.close()
        b.close()
        for descriptor in [reading, a] {
            #expect(
                try eventually { () throws(SystemError) in
                    try descriptor.poll(.readable, deadline: .never) == [.readable, .hangUp]
                })
        }
    }

    @Test func pollEndsAtItsDeadlineAndNotBefore() throws {
        let (reading, writing) = try SystemPipe.make(nonBlocking: true)
        let deadline = Deadline.after(.milliseconds(20))
        #expect(try reading.poll(.readable, deadline: deadline) == [])
        #expect(deadline.isPast)
        withExtendedLifetime(writing) {}
    }
}
