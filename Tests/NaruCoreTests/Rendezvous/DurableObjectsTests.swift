// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@testable import NaruCore

@Suite struct DurableObjectsTests {
    /// Objects that are files beside their sidecars.
    private struct Files: DurableMedium {
        var name: TransportName = "files"
        var survivesRestart = false
        let folder: String
        var fails = false

        func probe() -> CapabilityRecord { CapabilityRecord(transport: name, localities: [], directions: []) }

        func make(_ record: DurableRecord) throws(NaruError) {
            if fails { throw NaruError(.system, operation: "make", object: record.object, reason: "it is a test") }
            do {
                _ = try FileSystem.open(record.object, [.write, .create, .exclusive])
            } catch {
                throw NaruError(error, operation: "make", object: record.object)
            }
        }

        func exists(_ record: DurableRecord) throws(NaruError) -> Bool {
            (try? FileSystem.status(record.object, followingSymbolicLinks: false)) != nil
        }

        func remove(_ record: DurableRecord) throws(NaruError) {
            try? FileSystem.remove(record.object)
        }
    }

    private let folder: String
    private let cleaner: Cleaner
    private let directories: RuntimeDirectories
    private let medium: Files

    /// Removes the folder with the test.
    private final class Cleaner {
        let folder: String
        init(_ folder: String) { self.folder = folder }
        deinit {
            for name in (try? FileSystem.list(folder)) ?? [] { try? FileSystem.remove("\(folder)/\(name)") }
            try? FileSystem.removeDirectory(folder)
        }
    }

    init() throws {
        folder = "/tmp/naru-durable-\(String(SystemRandom.word(), radix: 36))"
        try FileSystem.makeDirectory(folder, permissions: 0o700)
        cleaner = Cleaner(folder)
        directories = RuntimeDirectories([folder])
        medium = Files(folder: folder)
    }

    private var object: String { folder + "/object" }
    private var sidecar: String { "\(folder)/\(DurableRecord.name(of: "jobs")).object" }

    private func hold(_ medium: Files? = nil, isTransient: Bool = false) throws -> DurableHold? {
        try DurableObjects.hold("jobs", medium ?? self.medium, in: directories, isTransient: isTransient) {
            (object, ["depth": "10"])
        }
    }

    private func held(_ medium: Files? = nil, isTransient: Bool = false) throws -> DurableHold {
        try #require(try hold(medium, isTransient: isTransient))
    }

    @Test func theFirstMakesItAndTheOthersFindIt() throws {
        let first = try held()
        #expect(first.record.name == "naru-\(HostInformation.userID)-jobs")
        #expect(first.record.terms == ["depth": "10"])
        let second = try held()
        #expect(second.record == first.record)
        #expect(DurableObjects.list(in: directories).map(\.isAlive) == [true])
        first.release()
        #expect(DurableObjects.list(in: directories).map(\.isAlive) == [true])
        second.release()
        let entries = DurableObjects.list(in: directories)
        #expect(entries.map(\.isAlive) == [false])
        #expect(entries.first?.record == first.record)
        // It is durable: the next finds it again.
        #expect(try held().record.id == first.record.id)
    }

    @Test func nobodyRemovesWhatSomebodyHolds() throws {
        let hold = try held()
        let entry = try #require(DurableObjects.list(in: directories).first)
        #expect(try !DurableObjects.remove(entry, medium))
        hold.release()
        #expect(try DurableObjects.remove(entry, medium))
        #expect(try FileSystem.list(folder).isEmpty)
        #expect(try !DurableObjects.remove(entry, medium))
    }

    @Test func aTransientOneGoesWithItsLastHolder() throws {
        let first = try held(isTransient: true)
        let second = try #require(try DurableObjects.join(path: first.path, medium))
        #expect(second.record == first.record)
        first.releaseAndRemove(medium)
        #expect(try medium.exists(second.record))
        second.releaseAndRemove(medium)
        #expect(try FileSystem.list(folder).isEmpty)
        #expect(try DurableObjects.join(path: sidecar, medium) == nil)
    }

    @Test func theDeadAreFoundAndOnlyThey() throws {
        let dead = try held(isTransient: true)
        dead.release()
        let durable = try #require(
            try DurableObjects.hold("other", medium, in: directories) { (folder + "/other", [:]) })
        durable.release()
        let alive = try #require(
            try DurableObjects.hold("third", medium, in: directories, isTransient: true) { (folder + "/third", [:]) })
        var another = medium
        another.name = "others"
        #expect(DurableObjects.removeDead(another, in: directories) == 0)
        #expect(DurableObjects.removeDead(medium, in: directories) == 1)
        #expect(DurableObjects.list(in: directories).count == 2)
        #expect(try medium.exists(alive.record) && medium.exists(durable.record) && !medium.exists(dead.record))
    }

    @Test func whatWasNeverWrittenGoesWithTheDead() throws {
        _ = try FileSystem.open(sidecar, [.write, .create], permissions: 0o600)
        #expect(DurableObjects.removeDead(medium, in: directories) == 1)
        #expect(try FileSystem.list(folder).isEmpty)
    }

    /// The record is never cut before it is written anew, and what was longer is filled up.
    @Test func aShorterRecordIsWrittenOverALongerOne() throws {
        var record = DurableRecord(
            link: "jobs", kind: "files", object: folder + "/object",
            terms: ["long": String(repeating: "x", count: 500)],
            isTransient: true, created: 1, boot: "", namespace: "")
        let descriptor = try FileSystem.open(sidecar, [.read, .write, .create], permissions: 0o600)
        try Sidecar.write(record, descriptor)
        let before = try descriptor.status().byteCount
        record.isMade = true
        record.terms = [:]
        try Sidecar.write(record, descriptor)
        #expect(try descriptor.status().byteCount == before)
        #expect(try Sidecar.read(descriptor) == record)
    }

    @Test func aMakerThatDiedHalfWayIsCleanedUpAfter() throws {
        // Its sidecar says what it was about to make, and it had made it.
        let here = HostIdentity.current()
        let record = DurableRecord(
            link: "jobs", kind: "files", object: folder + "/half", terms: [:], isTransient: false, created: 1,
            boot: here.bootID, namespace: here.namespaces["ipc"] ?? "")
        let descriptor = try FileSystem.open(sidecar, [.write, .create])
        try Sidecar.write(record, descriptor)
        descriptor.close()
        try medium.make(record)
        let hold = try held()
        #expect(hold.record.isMade)
        #expect(hold.record.object == object)
        #expect(try !medium.exists(record))
        hold.release()
        // One that died before it wrote anything.
        _ = try FileSystem.open(sidecar, [.write, .truncate])
        try FileSystem.remove(object)
        #expect(try held().record.object == object)
    }

    @Test func anObjectThatIsGoneIsMadeAnew() throws {
        let first = try held()
        first.release()
        try FileSystem.remove(object)
        let second = try held()
        #expect(second.record.id != first.record.id)
        #expect(try medium.exists(second.record))
        // While somebody holds the one that is gone, nobody makes another.
        try FileSystem.remove(object)
        #expect(try hold() == nil)
    }

    @Test func anEarlierStartOfTheHostLeftOnlyTheSidecar() throws {
        var record = DurableRecord(
            link: "jobs", kind: "others", object: "/gone", terms: [:], isTransient: false, created: 1, boot: "another",
            namespace: "")
        record.isMade = true
        let descriptor = try FileSystem.open(sidecar, [.write, .create])
        try Sidecar.write(record, descriptor)
        descriptor.close()
        #expect(try held().record.kind == "files")
    }

    @Test func anotherMechanismsObjectIsRefused() throws {
        let hold = try held()
        var other = medium
        other.name = "others"
        #expect { _ = try self.hold(other) } throws: { ($0 as? NaruError)?.code == .refused }
        hold.release()
    }

    @Test func aMakeThatFailsLeavesNothing() throws {
        var failing = medium
        failing.fails = true
        #expect { _ = try hold(failing) } throws: { ($0 as? NaruError)?.reason == "it is a test" }
        #expect(try FileSystem.list(folder).isEmpty)
    }

    @Test(arguments: ["", "{", "[]", "{\"version\":1}", "long"])
    func aSidecarThatSaysNothingIsReplaced(_ text: String) throws {
        let descriptor = try FileSystem.open(sidecar, [.write, .create])
        let bytes = Array((text == "long" ? String(repeating: "x", count: 20_000) : text).utf8)
        unsafe try bytes.withUnsafeBytes { unsafe try descriptor.pwrite($0, at: 0) }
        descriptor.close()
        #expect(DurableObjects.list(in: directories).map(\.record) == [nil])
        #expect(try held().record.object == object)
    }

    @Test func whatLiesThereAndIsNoFileOfOnesOwnIsRefused() throws {
        try FileSystem.makeFIFO(sidecar, permissions: 0o600)
        #expect { _ = try hold() } throws: { ($0 as? NaruError)?.code == .system }
        #expect(DurableObjects.list(in: directories).isEmpty)
        try FileSystem.remove(sidecar)
        _ = try FileSystem.open(sidecar, [.write, .create])
        try FileSystem.setPermissions(sidecar, permissions: 0o644)
        #expect { _ = try hold() } throws: { ($0 as? NaruError)?.code == .system }
    }

    @Test func beingAloneKeepsOthersOut() throws {
        let first = try held()
        var ran = false
        #expect(
            try first.alone {
                let other = try? hold()
                ran = other == nil
            })
        #expect(ran)
        let second = try held()
        #expect(try !first.alone { Issue.record("two hold it") })
        second.release()
        #expect(try first.alone {})
    }
}
