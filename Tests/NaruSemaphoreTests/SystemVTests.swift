// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSemaphore
import NaruSystem
import Testing

/// What is particular to System V: removal under a waiter, half-made sets, limits, damaged sidecars.
@Suite struct SystemVTests {
    @Test func `whoever waits is told that the set was removed`() async throws {
        let place = try Place()
        let runtime = try place.runtime()
        let signal = try runtime.signal(uniqueName())
        let waiter = Task { try await signal.wait() }
        let set = try #require(try place.set())
        while try set.status().waiting == 0 { await Task.yield() }
        try set.remove()
        let result = await waiter.result
        guard case .failure(let error as NaruError) = result else {
            Issue.record("the wait ended with \(result)")
            return
        }
        #expect(error.code == .removed)
        #expect(error.remedy == "open it again")
        #expect(#expect(throws: NaruError.self) { try signal.post() }?.code == .removed)
        #expect(#expect(throws: NaruError.self) { _ = try signal.pending() }?.code == .removed)
        #expect(#expect(throws: NaruError.self) { try signal.blocking.wait() }?.code == .removed)
        signal.close()
    }

    @Test func `after a removal the name works again`() throws {
        let place = try Place()
        let runtime = try place.runtime()
        let name = uniqueName()
        let signal = try runtime.signal(name)
        try #require(try place.set()).remove()
        signal.close()
        let again = try runtime.signal(name)
        try again.post()
        #expect(try again.tryWait())
    }

    @Test func `a set whose maker died before it was ready is made anew`() throws {
        let place = try Place()
        let runtime = try place.runtime()
        let name = uniqueName()
        let permits = try runtime.permits(name, count: 3)
        let record = try #require(try place.record())
        let key = try #require(Int32(record.object.dropFirst(4)))
        // As between semget and the first operation: the sidecar names the key, the set is there and not ready.
        try #require(try place.set()).remove()
        let half = try SystemVSemaphore.make(key: key)
        #expect(try !SemaphoreMechanism().exists(record))
        permits.close()
        let again = try runtime.permits(name, count: 3)
        #expect(try again.available() == 3)
        #expect(throws: SystemError.self) { _ = try half.status() }
    }

    @Test func `a signal counts to the kernel's limit and says so`() throws {
        let place = try Place()
        let signal = try place.runtime().signal(uniqueName())
        try signal.post(32767)
        let error = #expect(throws: NaruError.self) { try signal.post() }
        #expect(error?.code == .resourceExhausted)
        #expect(error?.reason == "it cannot count above 32767")
        #expect(try signal.pending() == 32767)
        for _ in 0..<32767 { #expect(try signal.tryWait()) }
    }

    @Test func `a set of another kind under the key is left alone`() throws {
        let place = try Place()
        let mechanism = SemaphoreMechanism()
        let signal = try place.runtime().signal(uniqueName())
        var record = try #require(try place.record())
        for object in ["", "key", "key 0", "key -5", "key 99999999999", "1234", "key 1x"] {
            record.object = object
            #expect(#expect(throws: NaruError.self) { _ = try mechanism.exists(record) }?.code == .corrupted)
            #expect(throws: NaruError.self) { try mechanism.make(record) }
        }
        record.object = mechanism.object(for: "x")
        #expect(try !mechanism.exists(record))
        try mechanism.remove(record)
        #expect(
            #expect(throws: NaruError.self) {
                _ = try mechanism.open(record, SemaphoreTerms(use: .signal, count: 0))
            }?.code == .removed)
        withExtendedLifetime(signal) {}
    }

    @Test func `a damaged sidecar is made anew`() throws {
        let place = try Place()
        let runtime = try place.runtime()
        let name = uniqueName()
        let signal = try runtime.signal(name)
        try signal.post()
        let (path, set) = (try #require(DurableObjects.list(in: place.directories).first).path, try place.set())
        signal.close()
        let file = try FileSystem.open(path, [.write, .truncate])
        _ = unsafe try Array("nonsense".utf8).withUnsafeBytes { unsafe try file.write($0) }
        let again = try runtime.signal(name)
        #expect(try again.pending() == 0)
        // What the damaged one named nobody can know: an orphan, as after `rm`.
        try set?.remove()
    }

    @Test func `two ends of one process share a semaphore, and each gives back its own`() throws {
        let place = try Place()
        let (first, second) = (try place.runtime(), try place.runtime())
        let name = uniqueName()
        let one = try first.permits(name, count: 2)
        let other = try second.permits(name)
        #expect(other.count == 2)
        #expect(try one.tryAcquire())
        #expect(try other.tryAcquire())
        #expect(try !one.tryAcquire())
        second.shutdown()
        #expect(try one.available() == 1)
        #expect(#expect(throws: NaruError.self) { _ = try other.tryAcquire() }?.code == .closed)
        #expect(#expect(throws: NaruError.self) { _ = try second.permits(name) }?.code == .closed)
    }
}
