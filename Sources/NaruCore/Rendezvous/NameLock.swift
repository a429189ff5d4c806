// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// The right to listen on one name in one folder: a lock file, held for life and released by the kernel when the holder
/// dies, however it dies. Whoever holds it knows that any socket of the name is stale.
final class NameLock: Sendable {
    private let descriptor: Descriptor
    private let path: String

    /// Takes the lock, or throws ``NaruError/Code/busy``.
    init(directory: String, name: String) throws(NaruError) {
        let path = directory + "/" + name + ".lock"
        do {
            while true {
                let descriptor = try FileSystem.open(path, [.read, .write, .create, .noFollow], permissions: 0o600)
                guard try Self.isLocked(descriptor) else {
                    throw NaruError(
                        .busy, operation: "listen", object: "local:\(name)",
                        reason: "another end listens on it (\(path) is locked)",
                        remedy: "close that one, or use another name")
                }
                // Its last holder may have removed the file between our opening and our locking it; then the lock is on
                // a file that nobody else will find.
                let held = try descriptor.status()
                guard held.kind == .regular else {
                    throw NaruError(
                        .system, operation: "listen", object: path, reason: "something that is no file lies there",
                        remedy: "remove it")
                }
                if let found = try? FileSystem.status(path, followingSymbolicLinks: false),
                    found.inode == held.inode, found.device == held.device
                {
                    self.descriptor = descriptor
                    self.path = path
                    return
                }
            }
        } catch let error as SystemError {
            throw NaruError(error, operation: "listen", object: path)
        } catch {
            throw error as! NaruError
        }
    }

    /// Takes the lock; again for a moment when somebody has it, who may only be looking whether anybody has.
    private static func isLocked(_ descriptor: Descriptor) throws(SystemError) -> Bool {
        for _ in 0..<20 {
            if try descriptor.tryLock() { return true }
            Processor.yield()
        }
        return false
    }

    /// Removes the file, then lets the lock go.
    func release() {
        try? FileSystem.remove(path)
        descriptor.close()
    }
}
