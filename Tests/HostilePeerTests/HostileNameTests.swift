// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Logging
import NaruSystem
import NaruUnixSocket
import Testing

@testable import NaruCore

/// What may lie where a name should be: put there in advance, or by somebody else. It is refused, or replaced where it
/// is surely stale; never followed, never written to.
@Suite(.serialized, .timeLimit(.minutes(1))) struct HostileNameTests {
    private static let content = Array("somebody's".utf8)

    private func runtime(_ directories: [String]) throws -> Runtime {
        try Runtime(
            transports: [UnixSocketTransport()], directories: RuntimeDirectories(directories),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// A folder of the test's own, gone with all it holds afterwards.
    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = "/tmp/naru-names-\(String(SystemRandom.word(), radix: 36))"
        try FileSystem.makeDirectory(folder, permissions: 0o700)
        defer { try? run("/bin/rm", "-rf", folder) }
        try FileSystem.makeDirectory(folder + "/run", permissions: 0o700)
        try await body(folder)
    }

    private func run(_ program: String, _ arguments: String...) throws {
        let child = try ChildProcess(executable: program, arguments: arguments)
        try #require(child.wait() == .exited(0), "\(program) \(arguments)")
    }

    private func makeFile(_ path: String) throws {
        let file = try FileSystem.open(path, [.write, .create, .exclusive], permissions: 0o600)
        _ = unsafe try Self.content.withUnsafeBytes { unsafe try file.write($0) }
    }

    private func expectUntouched(_ path: String) throws {
        #expect(try FileSystem.readSmallFile(path, limit: 4096) == Self.content)
    }

    private func code(_ body: () async throws -> Void) async -> NaruError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? NaruError)?.code
        }
    }

    private func expectMeeting(_ runtime: Runtime, _ listener: Listener) async throws {
        let sender = try await runtime.sender(.local(name: "x"), deadline: .after(.seconds(20)))
        #expect(try await listener.nextReceiver(deadline: .after(.seconds(20))) != nil)
        sender.close()
    }

    @Test(arguments: ["x.sock", "x.lock"], ["file", "nothing", "itself"])
    func aSymbolicLinkIsNotFollowed(_ name: String, _ target: String) async throws {
        try await withFolder { folder in
            let runtime = try runtime([folder + "/run"])
            defer { runtime.shutdown() }
            let target = target == "itself" ? "\(folder)/run/\(name)" : "\(folder)/\(target)"
            if target.hasSuffix("file") { try makeFile(target) }
            try run("/bin/ln", "-s", target, "\(folder)/run/\(name)")
            #expect(await code { _ = try runtime.listener(.local(name: "x")) } == .system)
            #expect(try FileSystem.readLink("\(folder)/run/\(name)") == target)
            if target.hasSuffix("file") { try expectUntouched(target) }
            #expect(throws: SystemError.self) {
                try FileSystem.status(folder + "/nothing", followingSymbolicLinks: false)
            }
            // Another name of the folder is not affected.
            try runtime.listener(.local(name: "y")).close()
        }
    }

    @Test(arguments: ["x.sock", "x.lock"], ["FIFO", "folder"])
    func whatIsNoSocketAndNoFileIsRefused(_ name: String, _ kind: String) async throws {
        try await withFolder { folder in
            let runtime = try runtime([folder + "/run"])
            defer { runtime.shutdown() }
            let path = "\(folder)/run/\(name)"
            if kind == "FIFO" {
                try FileSystem.makeFIFO(path, permissions: 0o600)
            } else {
                try FileSystem.makeDirectory(path, permissions: 0o700)
            }
            #expect(await code { _ = try runtime.listener(.local(name: "x")) } == .system)
            #expect(try FileSystem.status(path, followingSymbolicLinks: false).kind != .socket)
            let deadline = Deadline.after(.milliseconds(30))
            #expect(await code { _ = try await runtime.sender(.local(name: "x"), deadline: deadline) } == .unreachable)
        }
    }

    @Test func aFileInTheSocketsPlaceIsRefusedAndKept() async throws {
        try await withFolder { folder in
            let runtime = try runtime([folder + "/run"])
            defer { runtime.shutdown() }
            try makeFile(folder + "/file")
            try run("/bin/ln", folder + "/file", folder + "/run/x.sock")
            #expect(await code { _ = try runtime.listener(.local(name: "x")) } == .system)
            try expectUntouched(folder + "/run/x.sock")
        }
    }

    /// A hard link is a name like any other: it goes, and what it also names stays as it was.
    @Test func aHardLinkLosesItsNameOnly() async throws {
        try await withFolder { folder in
            let runtime = try runtime([folder + "/run"])
            defer { runtime.shutdown() }
            try makeFile(folder + "/file")
            let other = try UnixSocket.listen(path: folder + "/other.sock", backlog: 1, permissions: 0o600)
            try run("/bin/ln", folder + "/file", folder + "/run/x.lock")
            try run("/bin/ln", folder + "/other.sock", folder + "/run/x.sock")
            let listener = try runtime.listener(.local(name: "x"))
            try await expectMeeting(runtime, listener)
            listener.close()
            try expectUntouched(folder + "/file")
            _ = try UnixSocket.connect(path: folder + "/other.sock")
            #expect(try UnixSocket.accept(other) != nil)
            #expect(try FileSystem.list(folder + "/run").isEmpty)
        }
    }

    /// Whoever holds the lock in advance keeps the name; it says so.
    @Test func aLockHeldInAdvanceIsBusy() async throws {
        try await withFolder { folder in
            let runtime = try runtime([folder + "/run"])
            defer { runtime.shutdown() }
            let lock = try FileSystem.open(folder + "/run/x.lock", [.read, .write, .create], permissions: 0o600)
            #expect(try lock.tryLock())
            #expect(await code { _ = try runtime.listener(.local(name: "x")) } == .busy)
            lock.close()
            let listener = try runtime.listener(.local(name: "x"))
            try await expectMeeting(runtime, listener)
            listener.close()
        }
    }

    /// A runtime directory that is a link, open to others, or another user's is used by neither end.
    @Test(arguments: ["link", "open", "FIFO", "another user's"])
    func aSquattedFolderIsPassedOver(_ kind: String) async throws {
        guard kind != "another user's" || HostInformation.userID == 0 else {
            print("inapplicable: only root can make a folder of another user's")
            return
        }
        try await withFolder { folder in
            let squatted = folder + "/squatted"
            switch kind {
            case "link":
                try FileSystem.makeDirectory(folder + "/elsewhere", permissions: 0o700)
                try run("/bin/ln", "-s", folder + "/elsewhere", squatted)
            case "FIFO": try FileSystem.makeFIFO(squatted, permissions: 0o600)
            default: try FileSystem.makeDirectory(squatted, permissions: 0o700)
            }
            if kind == "open" { try FileSystem.setPermissions(squatted, permissions: 0o777) }
            // Somebody listens there, and would take whoever comes.
            let mute =
                kind == "FIFO"
                ? nil : try UnixSocket.listen(path: squatted + "/x.sock", backlog: 8, permissions: 0o666)
            if kind == "another user's" { try run("/bin/chown", "65534", squatted, squatted + "/x.sock") }

            let alone = try runtime([squatted])
            defer { alone.shutdown() }
            #expect(await code { _ = try alone.listener(.local(name: "x")) } == .system)
            let deadline = Deadline.after(.milliseconds(30))
            #expect(await code { _ = try await alone.sender(.local(name: "x"), deadline: deadline) } == .unreachable)
            if let mute { #expect(try UnixSocket.accept(mute) == nil, "the dialer went where it should not") }

            let both = try runtime([squatted, folder + "/run"])
            defer { both.shutdown() }
            let listener = try both.listener(.local(name: "x"))
            try await expectMeeting(both, listener)
            listener.close()
        }
    }
}
