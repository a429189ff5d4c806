// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem

/// The folder in which links of this user meet: the first one that can be used.
struct MeetingPlace: Sendable {
    /// What was found.
    let finding: Finding
    /// Whether there is one.
    let isUsable: Bool

    /// Fewer bytes than this for a link's name are worth a warning.
    private static let usualName = 32

    /// Tries the folders in their order. One that is missing is made and removed again.
    init(_ paths: [String]) {
        var refused: [String] = []
        for path in paths {
            do {
                let exists = try Self.tryOut(path)
                let skipped = refused.isEmpty ? "" : " (not \(refused.joined(separator: "; not ")))"
                let detail = path + (exists ? "" : ", made when needed") + skipped
                // What a socket's path can hold beside the folder, the separator and the suffix.
                let room = UnixSocket.maximumPathBytes - path.utf8.count - "/.sock".utf8.count
                let isShort = room < Self.usualName
                finding = Finding(
                    "runtime directory", isShort ? .warning : .ok,
                    isShort ? "\(detail): a link's name can have \(max(0, room)) characters only" : detail,
                    remedy: "set NARU_RUNTIME_DIR to a shorter path",
                    values: [("path", .string(path)), ("exists", .bool(exists))])
                isUsable = true
                return
            } catch {
                refused.append("\(path): \((error as? SystemError)?.message ?? "\(error)")")
            }
        }
        finding = Finding(
            "runtime directory", .problem, refused.joined(separator: "; "),
            remedy: "set NARU_RUNTIME_DIR to a folder of your own with mode 0700",
            values: [("path", .null), ("exists", .bool(false))])
        isUsable = false
    }

    private struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    /// Puts a file into the folder and takes it away. Returns whether the folder was there before.
    private static func tryOut(_ path: String) throws -> Bool {
        let exists = try isThere(path)
        // Not empty when a link came to live in it meanwhile: then it stays.
        defer { if !exists { try? FileSystem.removeDirectory(path) } }
        let file = "\(path)/.doctor-\(ProcessIdentity.current.processID)"
        _ = try FileSystem.open(file, [.write, .create, .exclusive])
        try FileSystem.remove(file)
        return exists
    }

    /// Whether the folder is there, as a listener wants it; makes it where it is not.
    private static func isThere(_ path: String) throws -> Bool {
        do {
            try FileSystem.makeDirectory(path, permissions: 0o700)
            return false
        } catch {
            guard error.errno == SystemErrno.exists else { throw error }
        }
        let status = try FileSystem.status(path, followingSymbolicLinks: false)
        guard status.kind == .directory else { throw Unusable(description: "it is not a folder") }
        guard HostInformation.isOwnUser(status.userID) else {
            throw Unusable(description: "it belongs to user \(status.userID)")
        }
        guard status.permissions & 0o077 == 0 else { throw Unusable(description: "it is open to other users") }
        return true
    }
}
