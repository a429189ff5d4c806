// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Glibc
import NaruSystem
import Testing

@Suite struct MemoryFileTests {
    @Test func hasRoomForAllItsBytes() throws {
        let file = try MemoryFile.create(name: "room", byteCount: 100_000)
        let status = try file.status()
        #expect(status.kind == .regular)
        #expect(status.byteCount == 100_000)
        #expect(MemoryFile.isMemoryFile(file))
        var found = stat()
        #expect(unsafe fstat(file.raw, &found) == 0)
        #expect(Int(found.st_blocks) * 512 >= 100_000)
    }

    @Test func otherFilesAreNone() throws {
        #expect(try !MemoryFile.isMemoryFile(UnixSocket.pair(kind: .stream).0))
        #expect(try !MemoryFile.isMemoryFile(FileSystem.open("/proc/self/exe", .read)))
        let directory = try TemporaryDirectory()
        let file = try FileSystem.open(directory.path("file"), [.read, .write, .create])
        #expect(throws: SystemError.self) { try MemoryFile.seals(of: file) }
    }

    @Test func sizeIsSealed() throws {
        let file = try MemoryFile.create(name: "sealed", byteCount: 4096)
        #expect(try MemoryFile.seals(of: file) == [])
        try MemoryFile.seal(file, [.shrink, .grow, .seal])
        #expect(try MemoryFile.seals(of: file) == [.shrink, .grow, .seal])
        for size in [0, 4095, 8192] {
            #expect(thrown { () throws(SystemError) in try file.truncate(to: size) } == SystemErrno.notPermitted)
        }
        #expect(thrown { () throws(SystemError) in try MemoryFile.seal(file, .write) } == SystemErrno.notPermitted)
    }

    @Test func writeSealNeedsThatNobodyCanWrite() throws {
        let file = try MemoryFile.create(name: "mapped", byteCount: 4096)
        let mapping = try Mapping(file, byteCount: 4096, access: .readWrite, prefault: false)
        #expect(thrown { () throws(SystemError) in try MemoryFile.seal(file, .write) } == SystemErrno.busy)
        try MemoryFile.seal(file, .futureWrite)
        // The mapping that was there goes on writing.
        unsafe mapping.base.storeBytes(of: 7, as: UInt8.self)
        #expect(thrown { () throws(SystemError) in _ = try write("x", to: file) } == SystemErrno.notPermitted)
    }

    /// What a hostile reader that holds the descriptor can try.
    @Test func readOnlyMapOfASealedFileCannotBeMadeWritable() throws {
        let file = try MemoryFile.create(name: "reader", byteCount: 4096)
        let unsealed = try Mapping(file, byteCount: 4096, access: .readOnly, prefault: false)
        #expect(unsafe mprotect(unsealed.base, 4096, PROT_READ | PROT_WRITE) == 0)

        let other = try MemoryFile.create(name: "reader", byteCount: 4096)
        let writer = try Mapping(other, byteCount: 4096, access: .readWrite, prefault: false)
        try MemoryFile.seal(other, [.shrink, .grow, .futureWrite, .seal])
        let reader = try Mapping(other, byteCount: 4096, access: .readOnly, prefault: true)
        #expect(unsafe mprotect(reader.base, 4096, PROT_READ | PROT_WRITE) == -1)
        #expect(
            thrown { () throws(SystemError) in
                _ = try Mapping(other, byteCount: 4096, access: .readWrite, prefault: false)
            } == SystemErrno.notPermitted)
        let reopened = try FileSystem.open("/proc/self/fd/\(other.raw)", [.read, .write])
        #expect(
            thrown { () throws(SystemError) in
                _ = try Mapping(reopened, byteCount: 4096, access: .readWrite, prefault: false)
            } == SystemErrno.notPermitted)
        unsafe writer.base.storeBytes(of: 42, as: UInt64.self)
        #expect(unsafe reader.base.load(as: UInt64.self) == 42)
    }

    @Test func emptyAndUnnameableOnesAreRefused() {
        #expect(
            thrown { () throws(SystemError) in _ = try MemoryFile.create(name: "none", byteCount: 0) }
                == SystemErrno.invalid)
        #expect(
            thrown { () throws(SystemError) in
                _ = try MemoryFile.create(name: String(repeating: "n", count: 300), byteCount: 1)
            } == SystemErrno.invalid)
    }
}
