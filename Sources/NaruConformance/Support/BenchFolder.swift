// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import Logging
internal import NaruCore
internal import NaruSystem

/// A folder of a bench's own, for sockets and sidecars, in which its runtimes meet, and nobody else does.
struct BenchFolder: Sendable {
    let path: String
    /// What no other bench has: part of the folder's name, and for names of the bench's own.
    let id = String(SystemRandom.word(), radix: 36)

    /// Makes the folder.
    init() throws(SystemError) {
        let parent = HostInformation.environment("TMPDIR") ?? "/tmp"
        path = "\(parent)/naru-kit-\(id)"
        try FileSystem.makeDirectory(path, permissions: 0o700)
    }

    var directories: RuntimeDirectories { RuntimeDirectories([path]) }

    /// The sidecars that lie in the folder.
    var entries: [DurableObjects.Entry] { DurableObjects.list(in: directories) }

    /// Two runtimes that meet here. Where they cannot be made, the folder is removed.
    func runtimes(
        _ transports: [any Transport], signals: [any SignalMechanism] = [], codecs: [any Codec] = []
    ) throws -> (Runtime, Runtime) {
        func runtime() throws -> Runtime {
            try Runtime(
                transports: transports, signals: signals, codecs: codecs, directories: directories,
                logger: Logger(label: "naru-kit") { _ in SwiftLogNoOpLogHandler() })
        }
        do {
            return (try runtime(), try runtime())
        } catch {
            try FileSystem.removeDirectory(path)
            throw error
        }
    }

    /// Removes the objects whose sidecars lie here and that nobody holds.
    func removeObjects(of mechanism: any Mechanism) {
        for entry in entries { _ = try? DurableObjects.remove(entry, mechanism as? any DurableMedium) }
    }

    /// Removes the folder, with what lies in it.
    func remove() throws(SystemError) {
        for name in try FileSystem.list(path) { try? FileSystem.remove("\(path)/\(name)") }
        try FileSystem.removeDirectory(path)
    }
}
