// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Glibc
import NaruSystem
import Testing

@Suite struct UnixSocketMessagesTests {
    @Test(arguments: [UnixSocket.Kind.stream, .seqpacket])
    func passesDescriptors(_ kind: UnixSocket.Kind) throws {
        let (a, b) = try UnixSocket.pair(kind: kind)
        let files = try (1...3).map { try MemoryFile.create(name: "passed", byteCount: $0 * 100) }
        #expect(try sendMessage("three", files, to: a) == .bytes(5))
        let message = try receiveMessage(b, maximumDescriptors: 3)
        #expect(message.text == "three")
        #expect(message.credentials == nil)
        #expect(try message.descriptors.map { try $0.status().inode } == files.map { try $0.status().inode })
        #expect(Set(message.descriptors.map(\.raw)).isDisjoint(with: files.map(\.raw)))
        for descriptor in message.descriptors {
            #expect(fcntl(descriptor.raw, F_GETFD) & FD_CLOEXEC != 0)
        }
        #expect(try receiveMessage(b, maximumDescriptors: 3).result == .wouldBlock)
        a.close()
        #expect(
            try eventually { () throws(SystemError) in
                try receiveMessage(b, maximumDescriptors: 3).result == .endOfFile
            })
    }

    /// A closed copy is told by the pipe it belonged to: its reader finds the end of the file.
    @Test(arguments: [0, 2])
    func surplusDescriptorsAreClosed(_ maximum: Int) throws {
        let (a, b) = try UnixSocket.pair(kind: .stream)
        let pipes = try (0..<4).map { _ in try SystemPipe.make(nonBlocking: true) }
        #expect(try sendMessage("four", pipes.map(\.writing), to: a) == .bytes(4))
        for pipe in pipes { pipe.writing.close() }
        let message = try receiveMessage(b, maximumDescriptors: maximum)
        #expect(message.text == "four")
        #expect(message.descriptors.count == maximum)
        for (index, pipe) in pipes.enumerated() {
            let expected = index < maximum ? IOResult.wouldBlock : .endOfFile
            #expect(try eventually { () throws(SystemError) in try read(pipe.reading).0 == expected })
        }
        withExtendedLifetime(message) {}
    }

    @Test func mostDescriptorsPassAndOneMoreIsRefused() throws {
        let (a, b) = try UnixSocket.pair(kind: .stream)
        let file = try MemoryFile.create(name: "many", byteCount: 1)
        let most = [Descriptor](repeating: file, count: UnixSocket.maximumDescriptors)
        #expect(try sendMessage("x", most, credentials: true, to: a) == .bytes(1))
        let message = try receiveMessage(b, maximumDescriptors: .max)
        #expect(message.descriptors.count == UnixSocket.maximumDescriptors)
        #expect(
            thrown { () throws(SystemError) in _ = try sendMessage("x", most + [file], to: a) }
                == SystemErrno.invalid)
    }

    @Test func closedDescriptorIsRefused() throws {
        let (a, b) = try UnixSocket.pair(kind: .stream)
        let file = try MemoryFile.create(name: "closed", byteCount: 1)
        file.close()
        #expect(
            thrown { () throws(SystemError) in _ = try sendMessage("x", [file], to: a) } == SystemErrno.badDescriptor)
        #expect(try receive(b).0 == .wouldBlock)
    }

    /// The table of descriptors is full at the receiver: the kernel drops what it cannot give. In another process,
    /// whose limit is lowered.
    @Test func truncatedDescriptorsAreClosedAndTold() async {
        await #expect(processExitsWith: .exitCode(7)) {
            let (a, b) = try UnixSocket.pair(kind: .stream)
            let pipes = try (0..<4).map { _ in try SystemPipe.make(nonBlocking: true) }
            guard try sendMessage("four", pipes.map(\.writing), to: a) == .bytes(4) else { exit(1) }
            for pipe in pipes { pipe.writing.close() }
            // Room for two more.
            var free: [Descriptor] = []
            for _ in 0..<2 { free.append(try a.duplicate()) }
            var limit = rlimit(rlim_cur: rlim_t(free.map(\.raw).max()! + 1), rlim_max: 0)
            limit.rlim_max = limit.rlim_cur
            guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { exit(2) }
            var filling: [Descriptor] = []
            while let one = try? a.duplicate() { filling.append(one) }
            free.removeAll()
            let received = try receiveMessage(b, maximumDescriptors: 4)
            guard received.lostDescriptors, received.descriptors.isEmpty, received.text == "four" else { exit(3) }
            for pipe in pipes where try read(pipe.reading).0 != .endOfFile { exit(4) }
            exit(7)
        }
    }

    @Test func recordThatDoesNotFitIsToldAndItsDescriptorsAreClosed() throws {
        let (a, b) = try UnixSocket.pair(kind: .seqpacket)
        let pipe = try SystemPipe.make(nonBlocking: true)
        #expect(try sendMessage("too long", [pipe.writing], to: a) == .bytes(8))
        pipe.writing.close()
        #expect(
            thrown { () throws(SystemError) in _ = try receiveMessage(b, room: 4, maximumDescriptors: 1) }
                == SystemErrno.messageTooLong)
        #expect(try eventually { () throws(SystemError) in try read(pipe.reading).0 == .endOfFile })
    }

    @Test func credentialsNameTheSender() throws {
        let (a, b) = try UnixSocket.pair(kind: .stream)
        #expect(try sendMessage("none", [], to: a) == .bytes(4))
        #expect(try receiveMessage(b, maximumDescriptors: 0).credentials == nil)
        let mine = try UnixSocket.peerCredentials(b)
        #expect(mine.processID == ProcessIdentity.current.processID)
        // Without the option on, the kernel does not hand on even what the sender gave.
        try UnixSocket.passCredentials(b, true)
        #expect(try sendMessage("given", [], credentials: true, to: a) == .bytes(5))
        #expect(try receiveMessage(b, maximumDescriptors: 0).credentials == mine)
        #expect(try sendMessage("not given", [], to: a) == .bytes(9))
        #expect(try receiveMessage(b, maximumDescriptors: 0).credentials == mine)
        try UnixSocket.passCredentials(b, false)
        #expect(try sendMessage("off", [], to: a) == .bytes(3))
        #expect(try receiveMessage(b, maximumDescriptors: 0).credentials == nil)
    }

    /// A child that inherited one end is named by what it sends, not whoever made the pair.
    @Test func credentialsNameAChildThatWrites() throws {
        let (a, b) = try UnixSocket.pair(kind: .stream)
        try UnixSocket.passCredentials(b, true)
        let child = try ChildProcess(executable: "/bin/sh", arguments: ["-c", "echo hi"], standardOutput: a)
        #expect(try b.poll(.readable, deadline: .never).contains(.readable))
        let message = try receiveMessage(b, maximumDescriptors: 0)
        #expect(message.text == "hi\n")
        #expect(message.credentials?.processID == child.processID)
        #expect(try UnixSocket.peerCredentials(b).processID == ProcessIdentity.current.processID)
        #expect(child.wait() == .exited(0))
    }
}
