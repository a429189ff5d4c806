// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// The named objects of one user in the runtime directories: holding, listing and removing them by their sidecars.
///
/// Nothing here blocks, and nothing is decided by a process number.
public enum DurableObjects {
    /// One sidecar that was found.
    public struct Entry: Sendable {
        /// Where it lies.
        public var path: String
        /// What it says; `nil` where it says nothing that can be used: its maker died at once, or it was damaged.
        public var record: DurableRecord?
        /// Whether nothing was written into it yet: its maker died before it made anything.
        public var isEmpty: Bool
        /// Whether somebody held the object when it was looked at.
        public var isAlive: Bool
    }

    private static let suffix = ".object"

    /// Holds the object of a link, and makes it where it is missing.
    ///
    /// - Parameters:
    ///   - link: the link's name, `[a-z0-9-]{1,64}`.
    ///   - medium: whose object it is to be.
    ///   - isTransient: whether one that is made goes with its last holder.
    ///   - plan: what to make where there is none: the object's name, and the terms of the agreement.
    /// - Returns: the hold; `nil` while somebody else makes or removes the object: ask again soon.
    /// - Throws: ``NaruError/Code/refused`` when the object is another mechanism's or another namespace's, what
    ///   ``DurableMedium/make(_:)`` throws, ``NaruError/Code/system``.
    public static func hold(
        _ link: String, _ medium: any DurableMedium, in directories: RuntimeDirectories, isTransient: Bool = false,
        plan: () -> (object: String, terms: [String: String])
    ) throws(NaruError) -> DurableHold? {
        let path = try sidecarPath(link, directories)
        do {
            return try hold(link, path, medium, isTransient, plan)
        } catch let error as SystemError {
            throw NaruError(error, operation: "hold", object: path)
        } catch {
            throw error as! NaruError
        }
    }

    /// Holds the object of a sidecar that another process made and named; `nil` where it is gone.
    public static func join(path: String, _ medium: any DurableMedium) throws(NaruError) -> DurableHold? {
        do {
            let descriptor = try FileSystem.open(path, [.read, .noFollow, .nonBlocking])
            guard try isOwn(descriptor), try descriptor.tryLockShared(), Sidecar.isAt(path, descriptor),
                let record = try Sidecar.read(descriptor), record.isMade, record.kind == medium.name
            else { return nil }
            return DurableHold(record, path: path, descriptor: descriptor)
        } catch {
            if error.errno == SystemErrno.notFound { return nil }
            throw NaruError(error, operation: "hold", object: path)
        }
    }

    /// Every sidecar in the directories, in the order of their paths. One that is looked at seems busy to others for
    /// an instant.
    public static func list(in directories: RuntimeDirectories) -> [Entry] {
        var entries: [Entry] = []
        for directory in directories.paths {
            guard isUsable(directory), let names = try? FileSystem.list(directory) else { continue }
            for name in names.sorted() where name.hasPrefix("naru-") && name.hasSuffix(suffix) {
                let path = directory + "/" + name
                guard let descriptor = try? FileSystem.open(path, [.read, .noFollow, .nonBlocking]),
                    let own = try? isOwn(descriptor), own
                else { continue }
                let isFree = (try? descriptor.tryLock()) ?? false
                entries.append(
                    Entry(
                        path: path, record: (try? Sidecar.read(descriptor)) ?? nil,
                        isEmpty: (try? Sidecar.isEmpty(descriptor)) ?? false, isAlive: !isFree))
                descriptor.close()
            }
        }
        return entries
    }

    /// Removes object and sidecar of an entry unless somebody holds them; whether it did.
    ///
    /// - Parameter medium: the mechanism that the record names; `nil` removes the sidecar alone, which is right only
    ///   where the object went with an earlier start of the host or was never made.
    public static func remove(_ entry: Entry, _ medium: (any DurableMedium)?) throws(NaruError) -> Bool {
        do {
            let descriptor = try FileSystem.open(entry.path, [.read, .noFollow, .nonBlocking])
            guard try isOwn(descriptor), try descriptor.tryLock(), Sidecar.isAt(entry.path, descriptor) else {
                return false
            }
            if let record = try Sidecar.read(descriptor), let medium, isHere(record, medium) {
                try medium.remove(record)
            }
            try FileSystem.remove(entry.path)
            return true
        } catch let error as SystemError {
            if error.errno == SystemErrno.notFound { return false }
            throw NaruError(error, operation: "remove", object: entry.path)
        } catch {
            throw error as! NaruError
        }
    }

    /// Removes a mechanism's transient objects that nobody holds any more: all who used them were killed. Sidecars of
    /// makers that died before they made anything go, too.
    /// - Returns: how many there were.
    @discardableResult
    public static func removeDead(_ medium: any DurableMedium, in directories: RuntimeDirectories) -> Int {
        list(in: directories).count { entry in
            guard !entry.isAlive else { return false }
            if entry.isEmpty { return (try? remove(entry, medium)) ?? false }
            guard let record = entry.record, record.isTransient, record.kind == medium.name else { return false }
            return (try? remove(entry, medium)) ?? false
        }
    }

    private static func isUsable(_ directory: String) -> Bool {
        do {
            return try RuntimeDirectories.problem(directory) == nil
        } catch {
            return false
        }
    }

    // MARK: Holding

    /// The sidecar that is there already, else where to make one.
    private static func sidecarPath(_ link: String, _ directories: RuntimeDirectories) throws(NaruError) -> String {
        let file = DurableRecord.name(of: link) + suffix
        for directory in directories.paths {
            guard isUsable(directory) else { continue }
            let path = directory + "/" + file
            if (try? FileSystem.status(path, followingSymbolicLinks: false)) != nil { return path }
        }
        return try directories.usable() + "/" + file
    }

    /// One attempt. Whoever makes or removes has all of the lock; whoever uses has a share. A file that was removed
    /// between its opening and its locking is nobody's any more, and the attempt begins anew.
    private static func hold(
        _ link: String, _ path: String, _ medium: any DurableMedium, _ isTransient: Bool,
        _ plan: () -> (object: String, terms: [String: String])
    ) throws -> DurableHold? {
        let descriptor = try FileSystem.open(
            path, [.read, .write, .create, .noFollow, .nonBlocking], permissions: 0o600)
        guard try isOwn(descriptor) else {
            throw NaruError(
                .system, operation: "hold", object: path, reason: "something that is no file of one's own lies there",
                remedy: "remove it")
        }
        guard try descriptor.tryLockShared() else { return nil }
        guard Sidecar.isAt(path, descriptor) else { return nil }
        if let record = try found(descriptor, medium) {
            return DurableHold(record, path: path, descriptor: descriptor)
        }
        guard try descriptor.tryLock(), Sidecar.isAt(path, descriptor) else { return nil }
        // Somebody may have made it while the share was changed for all of the lock.
        if try found(descriptor, medium) == nil {
            do {
                try make(link, descriptor, medium, isTransient, plan)
            } catch {
                try? FileSystem.remove(path)
                throw error
            }
        }
        guard try descriptor.tryLockShared(), Sidecar.isAt(path, descriptor),
            let record = try found(descriptor, medium)
        else { return nil }
        return DurableHold(record, path: path, descriptor: descriptor)
    }

    /// The record of an object that is there and the medium's own; `nil` where one has to be made.
    private static func found(_ descriptor: Descriptor, _ medium: any DurableMedium) throws -> DurableRecord? {
        guard let record = try Sidecar.read(descriptor), isHere(record, medium) else { return nil }
        guard record.kind == medium.name else {
            throw NaruError(
                .refused, operation: "hold", object: record.name,
                reason: "an object of \(record.kind) has this name",
                remedy: "use transport \(record.kind), another name, or remove it with `naru clean --durable`")
        }
        let namespace = Here.namespace
        guard medium.survivesRestart || record.namespace == namespace else {
            throw NaruError(
                .refused, operation: "hold", object: record.name,
                reason: "it was made in the IPC namespace \(record.namespace); this is \(namespace)",
                remedy: "run all ends in one IPC namespace, or give this end a NARU_RUNTIME_DIR of its own")
        }
        guard record.isMade, try medium.exists(record) else { return nil }
        return record
    }

    private static func make(
        _ link: String, _ descriptor: Descriptor, _ medium: any DurableMedium, _ isTransient: Bool,
        _ plan: () -> (object: String, terms: [String: String])
    ) throws {
        // What a maker that died half-way has left. Its object is named before it is made, so it is found here.
        if let old = try Sidecar.read(descriptor), isHere(old, medium) { try medium.remove(old) }
        let (object, terms) = plan()
        var record = DurableRecord(
            link: link, kind: medium.name, object: object, terms: terms, isTransient: isTransient,
            created: Sidecar.now(), boot: Here.boot, namespace: Here.namespace)
        try Sidecar.write(record, descriptor)
        try medium.make(record)
        record.isMade = true
        do {
            try Sidecar.write(record, descriptor)
        } catch {
            try? medium.remove(record)
            throw error
        }
    }

    /// Whether a record can still mean something: what the kernel held went with its start of the host.
    private static func isHere(_ record: DurableRecord, _ medium: any DurableMedium) -> Bool {
        if record.kind == medium.name, medium.survivesRestart { return true }
        let boot = Here.boot
        return boot.isEmpty || record.boot.isEmpty || record.boot == boot
    }

    /// Where this process is. The start of the host stays what it is; a process can change its namespace.
    private enum Here {
        static let boot = HostIdentity.current().bootID
        static var namespace: String { (try? FileSystem.readLink("/proc/self/ns/ipc")) ?? "" }
    }

    private static func isOwn(_ descriptor: Descriptor) throws(SystemError) -> Bool {
        let status = try descriptor.status()
        return status.kind == .regular && HostInformation.isOwnUser(status.userID) && status.permissions & 0o077 == 0
    }
}
