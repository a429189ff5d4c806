// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Glibc
import NaruSystem
import Testing

@Suite struct MappingTests {
    @Test func sharesAFileOnPageBoundaries() throws {
        let file = try MemoryFile.create(name: "shared", byteCount: 10_000)
        let a = try Mapping(file, byteCount: 10_000, access: .readWrite, prefault: true)
        let b = try Mapping(file, byteCount: 10_000, access: .readOnly, prefault: false)
        file.close()
        #expect(unsafe UInt(bitPattern: a.base) % UInt(HostInformation.pageBytes) == 0)
        #expect(a.byteCount == 10_000)
        unsafe a.base.storeBytes(of: 0xAB, toByteOffset: 9_999, as: UInt8.self)
        #expect(unsafe b.base.load(fromByteOffset: 9_999, as: UInt8.self) == 0xAB)
    }

    /// In another process, where nobody else maps memory in its place.
    @Test func unmapsWithTheLastReference() async {
        await #expect(processExitsWith: .exitCode(7)) {
            var mapping: Mapping? = try Mapping(privateByteCount: 1 << 20, wipeOnFork: false)
            // msync() fails with ENOMEM where nothing is mapped.
            let base = unsafe mapping!.base
            guard unsafe msync(base, 1 << 20, MS_ASYNC) == 0 else { exit(1) }
            mapping = nil
            exit(unsafe msync(base, 1 << 20, MS_ASYNC) == -1 && mapping == nil ? 7 : 2)
        }
    }

    @Test func privateMemoryIsZeroedAndWritable() throws {
        for wipe in [false, true] {
            let mapping = try Mapping(privateByteCount: 4096, wipeOnFork: wipe)
            #expect(unsafe mapping.base.load(as: UInt64.self) == 0)
            unsafe mapping.base.storeBytes(of: 1, as: UInt64.self)
            #expect(unsafe mapping.base.load(as: UInt64.self) == 1)
        }
        let shared = try Mapping(sharedAnonymousByteCount: 4096)
        unsafe shared.base.storeBytes(of: 1, as: UInt64.self)
        #expect(unsafe shared.base.load(as: UInt64.self) == 1)
    }

    @Test func refusesWhatCannotBeMapped() throws {
        let file = try MemoryFile.create(name: "none", byteCount: 1)
        #expect(
            thrown { () throws(SystemError) in _ = try Mapping(file, byteCount: 0, access: .readOnly, prefault: false) }
                == SystemErrno.invalid)
        #expect(
            thrown { () throws(SystemError) in _ = try Mapping(privateByteCount: -1, wipeOnFork: false) }
                == SystemErrno.invalid)
        #expect(
            thrown { () throws(SystemError) in _ = try Mapping(privateByteCount: .max, wipeOnFork: false) }
                == SystemErrno.noMemory)
        let readOnly = try FileSystem.open("/proc/self/exe", .read)
        #expect(
            thrown { () throws(SystemError) in
                _ = try Mapping(readOnly, byteCount: 4096, access: .readWrite, prefault: false)
            } == SystemErrno.accessDenied)
        file.close()
        // A closed descriptor must not become anonymous memory.
        #expect(
            thrown { () throws(SystemError) in _ = try Mapping(file, byteCount: 1, access: .readOnly, prefault: false) }
                == SystemErrno.badDescriptor)
    }
}
