// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Logging
import NaruCore
import NaruSemaphore
import NaruSystem

/// A folder with the sidecars of one test, and runtimes that use it. Everything goes with it.
final class Place {
    let directories: RuntimeDirectories
    let path: String
    private var runtimes: [Runtime] = []

    init() throws {
        path = "/tmp/naru-semaphores-\(String(SystemRandom.word(), radix: 36))"
        try FileSystem.makeDirectory(path, permissions: 0o700)
        directories = RuntimeDirectories([path])
    }

    deinit {
        for runtime in runtimes { runtime.shutdown() }
        let mechanisms: [any DurableMedium] = [SemaphoreMechanism(), PosixSemaphoreMechanism()]
        for entry in DurableObjects.list(in: directories) {
            _ = try? DurableObjects.remove(entry, mechanisms.first { $0.name == entry.record?.kind })
        }
        for name in (try? FileSystem.list(path)) ?? [] { try? FileSystem.remove("\(path)/\(name)") }
        try? FileSystem.removeDirectory(path)
    }

    /// A runtime with these mechanisms; all of the plugin's by default.
    func runtime(
        _ signals: [any SignalMechanism] = [
            SemaphoreMechanism(), PosixSemaphoreMechanism(), AnonymousSemaphoreMechanism(),
        ]
    ) throws -> Runtime {
        let runtime = try Runtime(
            transports: [], signals: signals, directories: directories,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        runtimes.append(runtime)
        return runtime
    }

    /// The one sidecar there is.
    func record() throws -> DurableRecord? {
        let entries = DurableObjects.list(in: directories)
        return entries.count == 1 ? entries[0].record : nil
    }

    /// The System V set of the one sidecar.
    func set() throws -> SystemVSemaphore? {
        guard let text = try record()?.object, let key = Int32(text.dropFirst(4)) else { return nil }
        return try SystemVSemaphore.find(key: key)
    }
}

/// A name that no other test uses.
func uniqueName() -> String { "test-\(String(SystemRandom.word(), radix: 36))" }
