// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// What lies in the runtime directories of other users, as far as this process may look: mostly it may not, the
/// superuser may. It is listed and never touched; nothing is locked to look at it.
enum ForeignObjects {
    /// Everything that can be seen, other than in `own` directories.
    static func list(except own: [String], _ locks: LockTable) -> [NamedObject] {
        var directories: [String] = []
        for name in ((try? FileSystem.list("/tmp")) ?? []).sorted() where isDirectoryOfAUser(name) {
            directories.append("/tmp/" + name)
        }
        for user in ((try? FileSystem.list("/run/user")) ?? []).sorted() {
            directories.append("/run/user/\(user)/naru")
        }
        return directories.filter { !own.contains($0) }.flatMap { objects(in: $0, locks) }
    }

    /// `naru-1000`, and no other folder that begins so.
    private static func isDirectoryOfAUser(_ name: String) -> Bool {
        name.hasPrefix("naru-") && UInt32(name.dropFirst(5)) != nil
    }

    private static func objects(in directory: String, _ locks: LockTable) -> [NamedObject] {
        guard let folder = try? FileSystem.status(directory, followingSymbolicLinks: false), folder.kind == .directory,
            !HostInformation.isOwnUser(folder.userID), let names = try? FileSystem.list(directory)
        else { return [] }
        return names.sorted().compactMap { object($0, directory, locks) }
    }

    private static func object(_ file: String, _ directory: String, _ locks: LockTable) -> NamedObject? {
        let path = "\(directory)/\(file)"
        guard let status = try? FileSystem.status(path, followingSymbolicLinks: false) else { return nil }
        func found(_ name: String, _ kind: String, isDurable: Bool, lock: String?) -> NamedObject {
            let file = lock.flatMap { try? FileSystem.status($0, followingSymbolicLinks: false) }
            let holders = file.map(locks.holders) ?? []
            return NamedObject(
                name: name, kind: kind, path: path, object: nil, userID: status.userID, isDurable: isDurable,
                state: holders.isEmpty ? .unknown("it is another user's") : .alive(holders), created: nil, detail: nil,
                removal: .none)
        }
        if let name = TransientName(file) {
            return found(name.word, status.kind == .fifo ? "fifo" : "file", isDurable: false, lock: nil)
        }
        if status.kind == .socket, file.hasSuffix(".sock"), NameRule.accepts(String(file.dropLast(5))) {
            let name = String(file.dropLast(5))
            return found(name, "listener", isDurable: false, lock: "\(directory)/\(name).lock")
        }
        let parts = file.split(separator: "-", maxSplits: 2)
        guard file.hasSuffix(".object"), parts.count == 3, parts[0] == "naru", UInt32(parts[1]) != nil else {
            return nil
        }
        return found(String(parts[2].dropLast(7)), "file", isDurable: true, lock: path)
    }
}
