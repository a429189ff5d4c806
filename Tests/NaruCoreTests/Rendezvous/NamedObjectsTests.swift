// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Logging
import NaruSystem
import Testing

@testable import NaruCore

/// Listing and removing in one process; with real deaths see the integration tests.
@Suite struct NamedObjectsTests {
    private final class Place {
        let folder = "/tmp/naru-named-\(String(SystemRandom.word(), radix: 36))"
        let runtime: Runtime

        init() throws {
            try FileSystem.makeDirectory(folder, permissions: 0o700)
            runtime = try Runtime(
                transports: [], directories: RuntimeDirectories([folder]),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }

        deinit {
            runtime.shutdown()
            for name in (try? FileSystem.list(folder)) ?? [] { try? FileSystem.remove("\(folder)/\(name)") }
            try? FileSystem.removeDirectory(folder)
        }

        /// What lies in the folder; the host may hold more.
        func objects() -> [NamedObject] { runtime.namedObjects().filter { $0.path.hasPrefix(folder + "/") } }

        func touch(_ name: String) throws { _ = try FileSystem.open("\(folder)/\(name)", [.write, .create]) }
    }

    @Test func aListenerIsOneObjectAndAlive() throws {
        let place = try Place()
        let listener = try place.runtime.listener(.local(name: "frames"))
        let objects = place.objects()
        #expect(objects.map(\.name) == ["frames"])
        #expect(objects.map(\.kind) == ["listener"])
        #expect(objects.map(\.state) == [.alive([ProcessIdentity.current.processID])])
        #expect(objects.map(\.isDurable) == [false])
        #expect(try !place.runtime.remove(objects[0]))
        listener.close()
        #expect(place.objects().isEmpty)
        #expect(try !place.runtime.remove(objects[0]))
    }

    @Test func whatAKilledListenerLeftIsDead() throws {
        let place = try Place()
        try place.touch("frames.lock")
        try place.touch("frames.sock")
        try place.touch("other.sock")
        try place.touch("third.lock")
        try place.touch("NO NAME.lock")
        let objects = place.objects()
        #expect(objects.map(\.name) == ["frames", "other", "third"])
        #expect(objects.allSatisfy { $0.state.word == "dead" && !$0.isDurable })
        for object in objects { #expect(try place.runtime.remove(object)) }
        #expect(try FileSystem.list(place.folder) == ["NO NAME.lock"])
    }

    @Test func whoListensMeanwhileKeepsTheName() throws {
        let place = try Place()
        try place.touch("frames.lock")
        try UnixSocket.listen(path: "\(place.folder)/frames.sock", backlog: 1, permissions: 0o600).close()
        let dead = try #require(place.objects().first)
        let listener = try place.runtime.listener(.local(name: "frames"))
        #expect(try !place.runtime.remove(dead))
        #expect(place.objects().first?.state.word == "alive")
        listener.close()
    }

    @Test func onlyTheDeadOnesOfOnesOwnGo() throws {
        let place = try Place()
        let mine = TransientName.make("thing").text
        var parts = mine.split(separator: "-").map(String.init)
        parts[5] = "1"  // Started right after the host: not the process that has the number now.
        let gone = parts.joined(separator: "-")
        parts[6] = "0123456789abcdef"
        let elsewhere = parts.joined(separator: "-")
        for name in [mine, gone, elsewhere] { try place.touch(name) }
        let other = "\(gone.dropLast())\(gone.hasSuffix("0") ? "1" : "0")"
        try FileSystem.makeFIFO("\(place.folder)/\(other)", permissions: 0o600)
        let objects = place.objects()
        #expect(objects.count == 4)
        #expect(objects.count { $0.kind == "fifo" } == 1)
        var removed = 0
        for var object in objects {
            object.userID &+= 1
            #expect(try !place.runtime.remove(object), "another user's")
            object.userID &-= 1
            if try place.runtime.remove(object) { removed += 1 }
        }
        #expect(removed == 2)
        #expect(Set(try FileSystem.list(place.folder)) == [mine, elsewhere])
    }

    /// One that was never written goes with every cleaning: nothing was made. What a damaged one named is not known.
    @Test(arguments: [false, true]) func aSidecarThatSaysNothingIsDead(isDamaged: Bool) throws {
        let place = try Place()
        let path = "\(place.folder)/naru-\(HostInformation.userID)-jobs.object"
        try place.touch("naru-\(HostInformation.userID)-jobs.object")
        try FileSystem.setPermissions(path, permissions: 0o600)
        if isDamaged { try FileSystem.open(path, [.write]).truncate(to: 10) }
        let object = try #require(place.objects().first)
        #expect(object.name == "jobs")
        #expect(object.isDurable == isDamaged)
        #expect(object.state.word == "dead")
        #expect(try place.runtime.remove(object))
        #expect(try FileSystem.list(place.folder).isEmpty)
    }
}
