// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

extension Runtime {
    /// Every named object of Naru that this process can see on the host: what lies in the runtime directories, those of
    /// other users included where it may look, and what has a name of Naru's in `/dev/shm` and `/dev/mqueue`. Ordered
    /// by name.
    ///
    /// What has no name (memory that was passed, pipes to children, connections) goes with its processes and is not
    /// listed. System V objects are known by their sidecars only. Blocks on the file system; changes nothing.
    public func namedObjects() -> [NamedObject] {
        let locks = LockTable.read()
        var objects: [NamedObject] = []
        var known: Set<String> = []
        for entry in DurableObjects.list(in: directories) {
            objects.append(durable(entry, locks))
            guard let record = entry.record else { continue }
            // What a sidecar names is its object's, or belongs to it.
            known.insert(record.object)
            known.formUnion(record.terms.values)
        }
        for directory in directories.paths {
            for name in ((try? FileSystem.list(directory)) ?? []).sorted() {
                let object = listener(name, directory, locks) ?? transient(name, directory)
                if let object { objects.append(object) }
            }
        }
        for folder in ["/dev/shm", "/dev/mqueue"] {
            for name in ((try? FileSystem.list(folder)) ?? []).sorted() {
                guard !known.contains("/" + Self.plain(name)), !known.contains("\(folder)/\(name)") else { continue }
                let object = transient(name, folder) ?? momentary(name, folder) ?? stray(name, folder)
                if let object { objects.append(object) }
            }
        }
        objects += ForeignObjects.list(except: directories.paths, locks)
        return objects.sorted { ($0.name, $0.path) < ($1.name, $1.path) }
    }

    /// Removes an object that was listed, if it still is dead and one's own; whether it did. Whoever begins to use it
    /// meanwhile keeps it.
    ///
    /// - Throws: ``NaruError/Code/system`` when the kernel refused.
    public func remove(_ object: NamedObject) throws(NaruError) -> Bool {
        guard case .dead = object.state, HostInformation.isOwnUser(object.userID) else { return false }
        switch object.removal {
        case .none: return false
        case .durable(let entry): return try DurableObjects.remove(entry, entry.record.flatMap { medium($0.kind) })
        case .listener(let directory):
            // Whoever has the lock knows that nobody listens.
            guard let lock = try? NameLock(directory: directory, name: object.name) else { return false }
            defer { lock.release() }
            try removeFile("\(directory)/\(object.name).sock")
            return true
        case .file(let name):
            guard case .dead = name.state() else { return false }
            return try removeFile(object.path)
        case .momentary: return try removeFile(object.path)
        }
    }

    @discardableResult
    private func removeFile(_ path: String) throws(NaruError) -> Bool {
        do {
            try FileSystem.remove(path)
            return true
        } catch {
            if error.errno == SystemErrno.notFound { return false }
            throw NaruError(error, operation: "remove", object: path)
        }
    }

    private func medium(_ name: TransportName) -> (any DurableMedium)? {
        mechanisms.first { $0.name == name } as? any DurableMedium
    }

    // MARK: What there is

    private func durable(_ entry: DurableObjects.Entry, _ locks: LockTable) -> NamedObject {
        let status = try? FileSystem.status(entry.path, followingSymbolicLinks: false)
        let file = entry.path.split(separator: "/").last.map(String.init) ?? entry.path
        let prefix = DurableRecord.name(of: "")
        guard let record = entry.record else {
            let state: NamedObject.State =
                entry.isAlive
                ? .alive(status.map(locks.holders) ?? [])
                : .dead(
                    entry.isEmpty ? "its maker died before it made it" : "its sidecar says nothing that can be used")
            return NamedObject(
                name: String(file.dropFirst(prefix.count).prefix { $0 != "." }), kind: "file", path: entry.path,
                object: nil, userID: status?.userID ?? HostInformation.userID, isDurable: !entry.isEmpty, state: state,
                created: nil, detail: nil, removal: .durable(entry))
        }
        let medium = medium(record.kind)
        let here = HostIdentity.current()
        let boot = here.bootID
        let outlives = medium?.survivesRestart == true
        let isPast = !boot.isEmpty && !record.boot.isEmpty && record.boot != boot && !outlives
        var state = NamedObject.State.dead("nobody holds its sidecar's lock")
        if entry.isAlive {
            state = .alive(status.map(locks.holders) ?? [])
        } else if isPast {
            state = .dead("it went when the host last started")
        } else if !record.isMade {
            state = .dead("its maker died half-way")
        } else if medium == nil {
            state = .unknown("this build has no \(record.kind)")
        } else if !outlives, record.namespace != here.namespaces["ipc"] ?? "" {
            // The object may well be there, where this process cannot see it.
            state = .unknown("it lies in the IPC namespace \(record.namespace)")
        }
        return NamedObject(
            name: String(record.name.dropFirst(record.name.hasPrefix(prefix) ? prefix.count : 0)),
            kind: record.kind.rawValue, path: entry.path, object: record.object,
            userID: status?.userID ?? HostInformation.userID, isDurable: !record.isTransient, state: state,
            created: record.created, detail: isPast ? nil : medium?.detail(of: record), removal: .durable(entry))
    }

    /// A socket with its lock file, or either alone.
    private func listener(_ file: String, _ directory: String, _ locks: LockTable) -> NamedObject? {
        let isLock = file.hasSuffix(".lock")
        guard isLock || file.hasSuffix(".sock") else { return nil }
        let name = String(file.dropLast(5))
        guard NameRule.accepts(name) else { return nil }
        let (lock, path) = ("\(directory)/\(name).lock", "\(directory)/\(name).sock")
        let lockStatus = try? FileSystem.status(lock, followingSymbolicLinks: false)
        // The two are one object: the socket stands for both.
        let socketStatus = try? FileSystem.status(path, followingSymbolicLinks: false)
        if isLock, socketStatus != nil { return nil }
        guard let status = socketStatus ?? lockStatus else { return nil }
        return NamedObject(
            name: name, kind: "listener", path: socketStatus != nil ? path : lock, object: nil, userID: status.userID,
            isDurable: false, state: listening(lock, lockStatus, locks), created: nil, detail: nil,
            removal: .listener(directory: directory))
    }

    private func listening(_ lock: String, _ status: FileStatus?, _ locks: LockTable) -> NamedObject.State {
        guard let status else { return .dead("a socket without a lock file") }
        let holders = locks.holders(of: status)
        guard holders.isEmpty else { return .alive(holders) }
        // Nobody that is seen holds it; the lock itself tells of the others. A share of it for an instant: whoever
        // begins to listen in that instant tries again.
        guard let file = try? FileSystem.open(lock, [.read, .noFollow, .nonBlocking]) else {
            return .unknown("its lock cannot be opened")
        }
        guard let isFree = try? file.tryLockShared() else { return .unknown("its lock cannot be tried") }
        return isFree ? .dead("nobody holds its lock") : .alive([])
    }

    /// Something whose name tells its maker.
    private func transient(_ file: String, _ directory: String) -> NamedObject? {
        guard let name = TransientName(Self.plain(file)) else { return nil }
        let path = "\(directory)/\(file)"
        guard let status = try? FileSystem.status(path, followingSymbolicLinks: false) else { return nil }
        return NamedObject(
            name: name.word, kind: status.kind == .fifo ? TransportName.fifo.rawValue : "file", path: path, object: nil,
            userID: status.userID, isDurable: false, state: name.state(), created: nil, detail: nil,
            removal: .file(name))
    }

    /// Something whose name nobody needs: whoever made it has it open, or has ended.
    private func momentary(_ file: String, _ directory: String) -> NamedObject? {
        let path = "\(directory)/\(file)"
        guard let word = MomentaryName.word(of: file, user: HostInformation.userID),
            let status = try? FileSystem.status(path, followingSymbolicLinks: false)
        else { return nil }
        return NamedObject(
            name: word, kind: "file", path: path, object: nil, userID: status.userID, isDurable: false,
            state: .dead("its name was only needed to make it"), created: nil, detail: nil, removal: .momentary)
    }

    /// Something with a name of Naru's that no sidecar here tells of.
    private func stray(_ file: String, _ directory: String) -> NamedObject? {
        let plain = Self.plain(file)
        let path = "\(directory)/\(file)"
        let parts = plain.split(separator: "-", maxSplits: 2)
        guard parts.count == 3, parts[0] == "naru", UInt32(parts[1]) != nil,
            let status = try? FileSystem.status(path, followingSymbolicLinks: false)
        else { return nil }
        let isOwn = HostInformation.isOwnUser(status.userID)
        return NamedObject(
            name: String(parts[2]), kind: "file", path: path, object: nil, userID: status.userID, isDurable: true,
            state: .unknown(
                isOwn ? "no sidecar in these runtime directories tells of it" : "its sidecar is another user's"),
            created: nil, detail: nil, removal: .none)
    }

    /// A file's name without what the C library puts before that of a semaphore.
    private static func plain(_ file: String) -> String {
        file.hasPrefix("sem.naru-") ? String(file.dropFirst(4)) : file
    }
}
