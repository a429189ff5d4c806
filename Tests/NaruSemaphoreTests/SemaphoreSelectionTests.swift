// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSemaphore
import NaruSystem
import Testing

/// Which mechanism is taken, and what it says.
@Suite struct SemaphoreSelectionTests {
    @Test func `System V by itself, POSIX where it is named`() throws {
        let place = try Place()
        let runtime = try place.runtime()
        let signal = try runtime.signal(uniqueName())
        #expect(signal.decision.chosen?.transport == .semaphore)
        let posix = signal.decision.candidates.first { $0.transport == .posixSemaphore }
        #expect(posix?.reason == "used only where it is asked for by name")
        #expect(posix?.remedy == "add posix-semaphore to transports")
        let permits = try runtime.permits(uniqueName(), Requirements(transports: [.posixSemaphore]))
        #expect(permits.decision.chosen?.transport == .posixSemaphore)
        #expect(!permits.releasesOnDeath)
        #expect(try runtime.permits(uniqueName()).releasesOnDeath)
    }

    @Test func `permits that a dead holder would keep are not taken unasked`() throws {
        let place = try Place()
        struct Lossy: NamedSignalMechanism {
            let posix = PosixSemaphoreMechanism()
            var name: TransportName { posix.name }
            var survivesRestart: Bool { false }
            func probe() -> CapabilityRecord {
                var record = posix.probe()
                record.onlyByName = false
                return record
            }
            func object(for link: String) -> String { posix.object(for: link) }
            func make(_ record: DurableRecord) throws(NaruError) { try posix.make(record) }
            func exists(_ record: DurableRecord) throws(NaruError) -> Bool { try posix.exists(record) }
            func remove(_ record: DurableRecord) throws(NaruError) { try posix.remove(record) }
            func open(_ record: DurableRecord, _ terms: SemaphoreTerms) throws(NaruError) -> any Semaphore {
                try posix.open(record, terms)
            }
        }
        let runtime = try place.runtime([Lossy()])
        let error = #expect(throws: NaruError.self) { _ = try runtime.permits(uniqueName()) }
        #expect(error?.code == .noTransport)
        let reason = error?.reason ?? "none"
        #expect(reason.contains("posix-semaphore is not releases-on-death"), "\(reason)")
        #expect(try runtime.signal(uniqueName()).decision.chosen?.transport == .posixSemaphore)
    }

    @Test func `one name is one mechanism's`() throws {
        let place = try Place()
        let runtime = try place.runtime()
        let name = uniqueName()
        let signal = try runtime.signal(name)
        let error = #expect(throws: NaruError.self) {
            _ = try runtime.signal(name, Requirements(transports: [.posixSemaphore]))
        }
        #expect(error?.code == .refused)
        #expect(error?.reason.contains("an object of semaphore has this name") == true, "\(String(describing: error))")
        signal.close()
    }

    @Test func `names and counts that make no sense are refused`() throws {
        let place = try Place()
        let runtime = try place.runtime()
        for name in ["", "UPPER", "a/b", "../x", String(repeating: "a", count: 65)] {
            let error = #expect(throws: NaruError.self) { _ = try runtime.signal(name) }
            #expect(error?.code == .invalidArgument)
        }
        for count in [0, -1, 32768, .max, .min] {
            let error = #expect(throws: NaruError.self) { _ = try runtime.permits(uniqueName(), count: count) }
            #expect(error?.code == .invalidArgument)
            #expect(throws: NaruError.self) { _ = try runtime.permits(count: count) }
        }
        #expect(DurableObjects.list(in: place.directories).isEmpty)
    }

    @Test func `without a mechanism the reasons are named`() throws {
        let place = try Place()
        let runtime = try place.runtime([])
        #expect(#expect(throws: NaruError.self) { _ = try runtime.signal(uniqueName()) }?.code == .noTransport)
        #expect(#expect(throws: NaruError.self) { _ = try runtime.signal() }?.code == .noTransport)
    }
}
