// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruCore
import NaruNamedPipe
import NaruSystem

/// A folder and a reactor's thread for one test.
struct Place {
    let folder: String
    let reactor: Reactor

    static func run(_ body: (Place) throws -> Void) throws {
        let folder = "/tmp/naru-test-\(String(SystemRandom.word(), radix: 36))"
        try FileSystem.makeDirectory(folder, permissions: 0o700)
        defer {
            for name in (try? FileSystem.list(folder)) ?? [] { try? FileSystem.remove("\(folder)/\(name)") }
            try? FileSystem.removeDirectory(folder)
        }
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        try body(Place(folder: folder, reactor: reactor))
    }

    /// The openings of a link whose pipes the listener makes in the folder.
    func pair(_ direction: Direction, isForward: Bool = true) -> OpeningPair {
        OpeningPair(
            NamedPipeTransport(), direction, isForward: isForward, reactor: reactor,
            directories: RuntimeDirectories([folder]))
    }

    /// What lies in the folder.
    func names() throws -> [String] { try FileSystem.list(folder) }
}
