// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@Suite struct FileSystemTests {
    @Test func tellsKindsOwnersAndPermissions() throws {
        let directory = try TemporaryDirectory()
        let file = try FileSystem.open(directory.path("file"), [.write, .create], permissions: 0o640)
        try FileSystem.makeFIFO(directory.path("fifo"), permissions: 0o600)
        let status = try FileSystem.status(directory.path("file"), followingSymbolicLinks: false)
        #expect(try status == file.status())
        #expect(status.kind == .regular)
        #expect(status.userID == HostInformation.userID)
        #expect(try FileSystem.status(directory.path("fifo"), followingSymbolicLinks: false).kind == .fifo)
        #expect(try FileSystem.status(directory.path, followingSymbolicLinks: false).kind == .directory)
        #expect(try FileSystem.status("/dev/null", followingSymbolicLinks: true).kind == .character)
        #expect(try FileSystem.status("/proc/self/exe", followingSymbolicLinks: false).kind == .symbolicLink)
        #expect(try FileSystem.status("/proc/self/exe", followingSymbolicLinks: true).kind == .regular)
        #expect(try UnixSocket.pair(kind: .stream).0.status().kind == .socket)
    }

    @Test func listsRenamesAndRemoves() throws {
        let directory = try TemporaryDirectory()
        #expect(try FileSystem.list(directory.path) == [])
        _ = try FileSystem.open(directory.path("a"), [.write, .create])
        try FileSystem.makeDirectory(directory.path("b"), permissions: 0o700)
        #expect(try FileSystem.list(directory.path).sorted() == ["a", "b"])
        #expect(
            thrown { () throws(SystemError) in try FileSystem.removeDirectory(directory.path) } == SystemErrno.notEmpty)
        try FileSystem.rename(directory.path("a"), to: directory.path("c"))
        try FileSystem.removeDirectory(directory.path("b"))
        #expect(try FileSystem.list(directory.path) == ["c"])
        try FileSystem.remove(directory.path("c"))
        #expect(
            thrown { () throws(SystemError) in try FileSystem.remove(directory.path("c")) } == SystemErrno.notFound)
    }

    @Test func openingIsExclusiveAndFollowsNoLinkWhereAsked() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("file")
        _ = try FileSystem.open(path, [.write, .create, .exclusive])
        #expect(
            thrown { () throws(SystemError) in _ = try FileSystem.open(path, [.write, .create, .exclusive]) }
                == SystemErrno.exists)
        #expect(
            thrown { () throws(SystemError) in _ = try FileSystem.open("/proc/self/exe", [.read, .noFollow]) }
                == SystemErrno.loop)
        #expect(
            thrown { () throws(SystemError) in _ = try FileSystem.open(path, [.read, .directory]) }
                == SystemErrno.notADirectory)
        let held = try FileSystem.open(path, [.pathOnly])
        #expect(thrown { () throws(SystemError) in _ = try read(held) } == SystemErrno.badDescriptor)
    }

    @Test func appendsAndTruncates() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("file")
        #expect(try write("abc", to: try FileSystem.open(path, [.write, .create])) == .bytes(3))
        #expect(try write("def", to: try FileSystem.open(path, [.write, .append])) == .bytes(3))
        #expect(try FileSystem.readSmallFile(path, limit: 6) == Array("abcdef".utf8))
        _ = try FileSystem.open(path, [.read, .write, .truncate])
        #expect(try FileSystem.readSmallFile(path, limit: 0) == [])
    }

    @Test func smallFileHasALimit() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("file")
        let text = String(repeating: "0123456789", count: 1000)
        #expect(try write(text, to: try FileSystem.open(path, [.write, .create])) == .bytes(10000))
        #expect(try FileSystem.readSmallFile(path, limit: 10000) == Array(text.utf8))
        #expect(
            thrown { () throws(SystemError) in _ = try FileSystem.readSmallFile(path, limit: 9999) }
                == SystemErrno.fileTooBig)
        #expect(
            thrown { () throws(SystemError) in _ = try FileSystem.readSmallFile(path + "x", limit: 1) }
                == SystemErrno.notFound)
    }

    @Test func permissionsAreSetExactlyAndNotThroughALink() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("file")
        _ = try FileSystem.open(path, [.write, .create], permissions: 0o600)
        try FileSystem.setPermissions(path, permissions: 0o666)
        #expect(try FileSystem.status(path, followingSymbolicLinks: false).permissions == 0o666)
        #expect(
            thrown { () throws(SystemError) in try FileSystem.setPermissions("/proc/self/exe", permissions: 0o777) }
                == SystemErrno.loop)
    }

    @Test func pathWithANulByteIsRefused() {
        #expect(
            thrown { () throws(SystemError) in _ = try FileSystem.open("/tmp\0/x", .read) } == SystemErrno.invalid)
    }

    @Test func tellsFreeSpaceAndLinks() throws {
        #expect(try FileSystem.freeSpace("/dev/shm") > 0)
        #expect(try FileSystem.readLink("/proc/self/exe") == ChildProcess.executablePath)
        #expect(ChildProcess.executablePath.hasPrefix("/"))
    }
}
