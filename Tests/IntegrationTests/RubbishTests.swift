// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// Peers that do not speak the protocol are refused, and others connect meanwhile.
@Suite(.serialized, .timeLimit(.minutes(2))) struct RubbishTests {
    /// Connects and says these bytes.
    private func say(_ bytes: [UInt8], at path: String) throws -> Descriptor {
        let socket = try UnixSocket.connect(path: path)
        _ = unsafe try bytes.withUnsafeBytes {
            unsafe try socket.send($0, UnsafeRawBufferPointer(start: nil, count: 0))
        }
        return socket
    }

    /// Waits until the listener's socket is there.
    private func awaitSocket(_ path: String) throws {
        let deadline = Deadline.after(.seconds(30))
        while (try? FileSystem.status(path, followingSymbolicLinks: false))?.kind != .socket {
            guard !deadline.isPast else { throw Lines.Silence(said: "no socket at \(path)") }
            Processor.yield()
        }
    }

    @Test func rubbishIsRefusedAndOthersConnect() throws {
        let stage = try Stage()
        let path = stage.folder + "/run/rubbish.sock"
        let receiver = try stage.peer(["receive", "rubbish", stage.folder + "/taken"])
        try awaitSocket(path)

        var sockets: [Descriptor] = []
        for _ in 0..<20 { sockets.append(try say(SystemRandom.bytes(4096), at: path)) }
        for _ in 0..<20 { sockets.append(try say([0xff, 0xff, 0xff, 0xff], at: path)) }
        for _ in 0..<20 { sockets.append(try say([2, 0, 0, 0] + Array("{}".utf8), at: path)) }
        // A slow one: the first byte of a length, and then nothing.
        sockets.append(try say([17], at: path))
        // The refused ones are hung up on.
        for socket in sockets.dropLast() {
            #expect(try !socket.poll(.readable, deadline: .after(.seconds(30))).isEmpty)
        }

        let sender = try stage.peer(["send", "rubbish", "100", "100", stage.folder + "/sent"])
        #expect(try sender.line().hasPrefix("linked "))
        #expect(try sender.line() == "finished 100")
        #expect(try receiver.line().hasPrefix("linked "))
        #expect(try receiver.line() == "finished 100")
        #expect(receiver.end() == .exited(0))
        let log = try receiver.allErrors()
        #expect(!log.isEmpty)
        #expect(log.count <= 8, "\(log)")
    }

    @Test func aThousandHalfOpenConnectionsKeepNobodyOut() throws {
        let stage = try Stage()
        let path = stage.folder + "/run/flood.sock"
        let receiver = try stage.peer(["receive", "flood", stage.folder + "/taken"])
        try awaitSocket(path)
        let floods = try (0..<2).map { _ in try stage.peer(["flood", path, "500"]) }
        for flood in floods { #expect(try flood.line() == "linked none") }
        let sender = try stage.peer(["send", "flood", "10", "10", stage.folder + "/sent"])
        #expect(try sender.line().hasPrefix("linked "))
        #expect(try sender.line() == "finished 10")
        for flood in floods {
            flood.closeInput()
            #expect(try flood.line() == "finished 500")
        }
        #expect(receiver.end() == .exited(0))
    }
}
