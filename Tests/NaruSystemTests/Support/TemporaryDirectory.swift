// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem

/// A directory of one test, removed with what it holds when the object goes.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = "/tmp/naru-test-\(ProcessIdentity.current.processID)-\(String(SystemRandom.word(), radix: 36))"
        try FileSystem.makeDirectory(path, permissions: 0o700)
    }

    func path(_ name: String) -> String { "\(path)/\(name)" }

    deinit {
        for name in (try? FileSystem.list(path)) ?? [] {
            try? FileSystem.remove(self.path(name))
            try? FileSystem.removeDirectory(self.path(name))
        }
        try? FileSystem.removeDirectory(path)
    }
}
