// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// A transport that fails to open is not the link's failure: the next is tried in the same connect.
@Suite(.serialized, .timeLimit(.minutes(2))) struct FallbackTests {
    /// Room in /dev/shm for less than a ring, in a mount namespace of the peer's own. Needs root.
    @Test(.enabled(if: HostInformation.userID == 0, "mounting a small /dev/shm needs root"))
    func noRoomInSharedMemoryFallsBackToTheSocket() throws {
        let stage = try Stage()
        let peer = Stage.built("NaruIntegrationPeer")
        let receiver = try stage.peer(["receive", "narrow", stage.folder + "/taken"])
        let sender = try stage.start(
            "/usr/bin/unshare",
            [
                "--mount", "sh", "-c",
                "mount -t tmpfs -o size=64k none /dev/shm && exec \(peer) send narrow 100 1000 \(stage.folder)/sent",
            ])
        #expect(try sender.line() == "linked unix-socket")
        let decision = try sender.line()
        #expect(decision.hasPrefix("refused shared-memory: "), "\(decision)")
        #expect(decision.contains("/dev/shm") && decision.contains("left"), "\(decision)")
        #expect(try sender.line() == "finished 100")
        #expect(try receiver.line() == "linked unix-socket")
    }

    /// A receiver with one descriptor left cannot take the two of a ring, but the one of a socket.
    @Test func noDescriptorsLeftFallsBackToTheSocket() throws {
        let stage = try Stage()
        let receiver = try stage.peer(["receive-starved", "starved", stage.folder + "/taken"])
        let sender = try stage.peer(["send", "starved", "100", "1000", stage.folder + "/sent"])
        #expect(try sender.line() == "linked unix-socket")
        let decision = try sender.line()
        #expect(decision.contains("no descriptor left"), "\(decision)")
        #expect(try sender.line() == "finished 100")
        #expect(try receiver.line() == "linked unix-socket")
    }
}
