// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// The kernel's and the C library's semaphores, as Swift sees them.
@Suite struct SemaphoreTests {
    /// A set that is removed with the test.
    private final class Set: Sendable {
        let semaphore: SystemVSemaphore
        let key: Int32

        init(holding value: Int = 0) throws {
            key = Int32(truncatingIfNeeded: SystemRandom.word() >> 33) | 1
            semaphore = try SystemVSemaphore.make(key: key)
            try semaphore.settle(holding: value)
        }

        deinit { try? semaphore.remove() }
    }

    @Test func `a System V semaphore counts`() throws {
        let set = try Set(holding: 2)
        #expect(try set.semaphore.take(2, undo: true, deadline: .now))
        #expect(try !set.semaphore.take(1, undo: true, deadline: .now))
        #expect(try !set.semaphore.take(1, undo: false, deadline: .after(.milliseconds(3))))
        try set.semaphore.add(2, undo: true)
        #expect(try set.semaphore.status().value == 2)
        #expect(try SystemVSemaphore.find(key: set.key) == set.semaphore)
    }

    @Test func `a set is ready with its first value, also when that is none`() throws {
        let key = Int32(truncatingIfNeeded: SystemRandom.word() >> 33) | 1
        let semaphore = try SystemVSemaphore.make(key: key)
        defer { try? semaphore.remove() }
        #expect(try !semaphore.status().isReady)
        try semaphore.settle(holding: 0)
        let status = try semaphore.status()
        #expect(status.isReady && status.value == 0 && status.count == 1 && status.permissions == 0o600)
        #expect(status.creatorID == HostInformation.userID)
        let error = #expect(throws: SystemError.self) { _ = try SystemVSemaphore.make(key: key) }
        #expect(error?.errno == SystemErrno.exists)
    }

    @Test func `amounts that make no sense are refused`() throws {
        let set = try Set()
        for amount in [0, -1, 32768, .min, .max] {
            let error = #expect(throws: SystemError.self) { try set.semaphore.add(amount, undo: false) }
            #expect(error?.errno == SystemErrno.invalid)
        }
        try set.semaphore.add(SystemVSemaphore.maximumValue, undo: false)
        let error = #expect(throws: SystemError.self) { try set.semaphore.add(1, undo: false) }
        #expect(error?.errno == SystemErrno.outOfRange)
        #expect(try set.semaphore.status().value == SystemVSemaphore.maximumValue)
    }

    @Test func `who waits for a set that goes is told`() throws {
        let set = try Set()
        let thread = try SystemThread(name: "remover") {
            while (try? set.semaphore.status().waiting) == 0 { Processor.yield() }
            try? set.semaphore.remove()
        }
        let error = #expect(throws: SystemError.self) {
            _ = try set.semaphore.take(1, undo: true, deadline: .after(.seconds(60)))
        }
        thread.join()
        #expect(error?.errno == SystemErrno.removed)
        #expect(throws: SystemError.self) { _ = try set.semaphore.status() }
    }

    @Test func `the host's limits are known`() throws {
        let limits = try #require(SystemVSemaphore.limits)
        #expect(limits.sets > 0 && limits.semaphores > 0 && limits.setsInUse >= 0)
        let set = try Set()
        #expect(try #require(SystemVSemaphore.limits).setsInUse > 0)
        withExtendedLifetime(set) {}
    }

    @Test func `a POSIX semaphore counts`() throws {
        let name = "/naru-test-\(String(SystemRandom.word(), radix: 36))"
        let semaphore = try NamedSemaphore.make(name, value: 1)
        defer { try? NamedSemaphore.remove(name) }
        #expect(try NamedSemaphore.find(name).take(deadline: .now))
        #expect(try !semaphore.take(deadline: Deadline(nanoseconds: 0)))
        #expect(try !semaphore.take(deadline: .after(.milliseconds(3))))
        try semaphore.post()
        #expect(try NamedSemaphore.find(name).value() == 1)
        let status = try FileSystem.status(NamedSemaphore.path(of: name), followingSymbolicLinks: false)
        #expect(status.permissions == 0o600)
        let exists = #expect(throws: SystemError.self) { _ = try NamedSemaphore.make(name, value: 1) }
        #expect(exists?.errno == SystemErrno.exists)
        try NamedSemaphore.remove(name)
        let gone = #expect(throws: SystemError.self) { _ = try NamedSemaphore.find(name) }
        #expect(gone?.errno == SystemErrno.notFound)
    }

    @Test func `a name with a NUL byte is refused`() {
        #expect(throws: SystemError.self) { _ = try NamedSemaphore.make("/naru\0x", value: 0) }
        #expect(throws: SystemError.self) { _ = try NamedSemaphore.make("/naru-test-negative", value: -1) }
    }
}
