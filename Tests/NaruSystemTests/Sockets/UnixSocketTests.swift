// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@Suite struct UnixSocketTests {
    @Test func connectsAndAccepts() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("socket")
        let listener = try UnixSocket.listen(path: path, backlog: 4, permissions: 0o600)
        #expect(try UnixSocket.accept(listener) == nil)
        let dialer = try UnixSocket.connect(path: path)
        #expect(try listener.poll(.readable, deadline: .never) == .readable)
        let accepted = try #require(try UnixSocket.accept(listener))
        #expect(try send("hello", "", to: dialer) == .bytes(5))
        #expect(try receive(accepted).1 == "hello")
        let me = PeerCredentials(
            processID: ProcessIdentity.current.processID, userID: HostInformation.userID,
            groupID: try FileSystem.status(directory.path, followingSymbolicLinks: false).groupID)
        #expect(try UnixSocket.peerCredentials(accepted) == me)
        #expect(try UnixSocket.peerCredentials(dialer) == me)
        #expect(throws: SystemError.self) { try UnixSocket.peerCredentials(EventCounter().descriptor) }
    }

    @Test(arguments: [UInt16(0o600), 0o660, 0o666])
    func hasExactlyItsPermissions(_ permissions: UInt16) throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("socket")
        let listener = try UnixSocket.listen(path: path, backlog: 1, permissions: permissions)
        let status = try FileSystem.status(path, followingSymbolicLinks: false)
        #expect(status.kind == .socket)
        #expect(status.permissions == permissions)
        listener.close()
    }

    @Test func staleMissingAndTakenPathsAreToldApart() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("socket")
        #expect(thrown { () throws(SystemError) in _ = try UnixSocket.connect(path: path) } == SystemErrno.notFound)
        let listener = try UnixSocket.listen(path: path, backlog: 1, permissions: 0o600)
        let again = { () throws(SystemError) in
            _ = try UnixSocket.listen(path: path, backlog: 1, permissions: 0o600)
        }
        #expect(thrown(again) == SystemErrno.inUse)
        listener.close()
        #expect(
            try eventually { () throws(SystemError) in
                thrown { () throws(SystemError) in _ = try UnixSocket.connect(path: path) }
                    == SystemErrno.connectionRefused
            })
        #expect(thrown(again) == SystemErrno.inUse)
        try FileSystem.remove(path)
        #expect(thrown(again) == nil)
    }

    @Test func fullBacklogWouldBlock() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("socket")
        let listener = try UnixSocket.listen(path: path, backlog: 0, permissions: 0o600)
        var waiting: [Descriptor] = []
        var refused: Int32?
        while refused == nil, waiting.count < 8 {
            refused = thrown { () throws(SystemError) in waiting.append(try UnixSocket.connect(path: path)) }
        }
        #expect(refused == SystemErrno.again)
        #expect(try UnixSocket.accept(listener) != nil)
        #expect(thrown { () throws(SystemError) in waiting.append(try UnixSocket.connect(path: path)) } == nil)
    }

    @Test func connectionGivenUpInTheQueueIsStillAccepted() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("socket")
        let listener = try UnixSocket.listen(path: path, backlog: 4, permissions: 0o600)
        try UnixSocket.connect(path: path).close()
        let accepted = try #require(try UnixSocket.accept(listener))
        #expect(try eventually { () throws(SystemError) in try receive(accepted).0 == .endOfFile })
    }

    @Test func longestPathWorksAndALongerOneIsRefused() throws {
        let directory = try TemporaryDirectory()
        let room = UnixSocket.maximumPathBytes - directory.path("").utf8.count
        let longest = directory.path(String(repeating: "s", count: room))
        let listener = try UnixSocket.listen(path: longest, backlog: 1, permissions: 0o600)
        #expect(thrown { () throws(SystemError) in _ = try UnixSocket.connect(path: longest) } == nil)
        for path in [longest + "s", ""] {
            let expected = path.isEmpty ? SystemErrno.notFound : SystemErrno.nameTooLong
            #expect(
                thrown { () throws(SystemError) in
                    _ = try UnixSocket.listen(path: path, backlog: 1, permissions: 0o600)
                } == expected)
            #expect(thrown { () throws(SystemError) in _ = try UnixSocket.connect(path: path) } == expected)
        }
        listener.close()
    }

    @Test func kindsAreTold() throws {
        let stream = try UnixSocket.pair(kind: .stream)
        let packets = try UnixSocket.pair(kind: .seqpacket)
        #expect(UnixSocket.isSocketKind(stream.0, .stream))
        #expect(!UnixSocket.isSocketKind(stream.0, .seqpacket))
        #expect(UnixSocket.isSocketKind(packets.1, .seqpacket))
        #expect(!UnixSocket.isSocketKind(packets.1, .stream))
        #expect(try !UnixSocket.isSocketKind(EventCounter().descriptor, .stream))
    }

    @Test func packetsKeepTheirBoundaries() throws {
        let (a, b) = try UnixSocket.pair(kind: .seqpacket)
        #expect(try send("one", "", to: a) == .bytes(3))
        #expect(try send("tw", "o", to: a) == .bytes(3))
        #expect(try receive(b).1 == "one")
        #expect(try receive(b).1 == "two")
    }

    @Test func buffersGrowAndFill() throws {
        let (a, b) = try UnixSocket.pair(kind: .stream)
        try UnixSocket.setBufferBytes(a, send: 64 * 1024, receive: 64 * 1024)
        var sent = 0
        while case .bytes(let count) = try send(String(repeating: "x", count: 1024), "", to: a) { sent += count }
        #expect(sent >= 32 * 1024)
        #expect(try UnixSocket.pendingInput(b) == sent)
    }
}
