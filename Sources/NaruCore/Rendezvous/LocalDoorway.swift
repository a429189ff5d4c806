// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// A name of this host: a socket in the runtime directory, and the lock that proves others' sockets of the name stale.
final class LocalDoorway: Doorway {
    let address: String
    private let name: String
    private let path: String
    private let lock: NameLock
    private let acceptor: ConnectionAcceptor

    /// Binds the name.
    /// - Throws: ``NaruError/Code/busy`` when somebody else listens on it; what the kernel refused.
    init(_ runtime: Runtime, name: String) throws(NaruError) {
        self.name = name
        address = "local:\(name)"
        let directory = try runtime.directories.usable()
        path = directory + "/" + name + ".sock"
        guard path.utf8.count <= UnixSocket.maximumPathBytes else {
            throw NaruError(
                .invalidArgument, operation: "listen", object: path,
                reason: "a socket's path has at most \(UnixSocket.maximumPathBytes) bytes, this one \(path.utf8.count)",
                remedy: "set NARU_RUNTIME_DIR to a shorter folder")
        }
        lock = try NameLock(directory: directory, name: name)
        do {
            let socket = try Self.bind(path)
            acceptor = ConnectionAcceptor(socket, reactor: runtime.reactor)
            try UnixSocket.passCredentials(socket, true)
        } catch {
            lock.release()
            throw error as? NaruError ?? NaruError(error as! SystemError, operation: "listen", object: path)
        }
    }

    /// Removes a socket that the lock proves stale, then binds.
    private static func bind(_ path: String) throws -> Descriptor {
        if let status = try? FileSystem.status(path, followingSymbolicLinks: false) {
            guard status.kind == .socket else {
                throw NaruError(
                    .system, operation: "listen", object: path, reason: "something that is no socket lies there",
                    remedy: "remove it")
            }
            try FileSystem.remove(path)
        }
        return try UnixSocket.listen(path: path, backlog: 512, permissions: 0o600)
    }

    func open(
        _ arrived: @escaping @Sendable (Arrival) -> Void, troubled: @escaping @Sendable (NaruError) -> Void
    ) throws(NaruError) {
        let path = path
        do {
            try acceptor.start(
                accepted: { arrived(Arrival($0)) },
                troubled: { troubled(NaruError($0, operation: "accept", object: path)) })
        } catch {
            throw NaruError(error, operation: "listen", object: path)
        }
    }

    /// Called once, by the listener.
    func close() {
        try? FileSystem.remove(path)
        acceptor.stop()
        lock.release()
    }
}
