// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSemaphore
import NaruSystem
import Testing

/// What is particular to semaphores without a name: the descriptor that is handed over.
@Suite struct AnonymousTests {
    @Test func `its record says that nothing is released`() throws {
        let place = try Place()
        let permits = try place.runtime().permits(count: 2)
        #expect(permits.name == nil)
        #expect(!permits.releasesOnDeath)
        #expect(permits.decision.chosen?.transport == .anonymousSemaphore)
        #expect(try FileSystem.list(place.path).isEmpty)
    }

    @Test func `what was handed over is checked`() throws {
        let place = try Place()
        let runtime = try place.runtime()
        func refused(_ descriptor: Descriptor) {
            #expect(#expect(throws: NaruError.self) { _ = try runtime.permits(adopting: descriptor) }?.code == .refused)
        }
        let size = HostInformation.pageBytes
        refused(try SystemPipe.make(nonBlocking: true).reading)
        let unsealed = try MemoryFile.create(name: "test", byteCount: size)
        refused(unsealed)
        let empty = try MemoryFile.create(name: "test", byteCount: size)
        try MemoryFile.seal(empty, [.shrink, .grow])
        refused(empty)
        let large = try MemoryFile.create(name: "test", byteCount: 2 * size)
        try MemoryFile.seal(large, [.shrink, .grow])
        refused(large)
        let signal = try runtime.signal()
        refused(try #require(signal.descriptor).duplicate())
        let closed = try SystemPipe.make(nonBlocking: true).reading
        closed.close()
        #expect(throws: NaruError.self) { _ = try runtime.signal(adopting: closed) }
    }

    @Test func `a count that somebody wrote over is a wrong count and nothing else`() throws {
        let place = try Place()
        let signal = try place.runtime().signal()
        let file = try #require(signal.descriptor)
        for value: UInt32 in [0xffff_ffff, 0x8000_0000, 0x7fff_ffff] {
            _ = unsafe try withUnsafeBytes(of: value) { unsafe try file.pwrite($0, at: 128) }
            #expect(#expect(throws: NaruError.self) { try signal.post() }?.code == .resourceExhausted)
            #expect(try signal.tryWait())
        }
    }

    @Test func `a forged number of waiters costs nothing but calls`() throws {
        let place = try Place()
        let signal = try place.runtime().signal()
        let file = try #require(signal.descriptor)
        _ = unsafe try withUnsafeBytes(of: UInt32.max) { unsafe try file.pwrite($0, at: 132) }
        try signal.post()
        #expect(try signal.tryWait())
        #expect(
            #expect(throws: NaruError.self) {
                try signal.blocking.wait(deadline: .after(.milliseconds(2)))
            }?.code == .deadlineExceeded)
    }
}
