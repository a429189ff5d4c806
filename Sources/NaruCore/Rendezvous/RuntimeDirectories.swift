// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// The folders in which links of one user meet: sockets and lock files, and for a moment the named pipes of links that
/// are being opened.
///
/// A listener uses the first that works; a dialer looks in all of them.
public struct RuntimeDirectories: Sendable, Hashable {
    /// Absolute paths, the preferred first.
    public var paths: [String]

    /// Meets in these folders.
    public init(_ paths: [String]) {
        self.paths = paths
    }

    /// `runtimeDirectory` alone where it is given (`NARU_RUNTIME_DIR`); else `naru` in `userDirectory`
    /// (`XDG_RUNTIME_DIR`) where it is given, then `naru` in the user's folder under `/run/user`, then a folder of the
    /// user's own under `/tmp`.
    public static func standard(
        runtimeDirectory: String? = nil, userDirectory: String? = nil
    ) -> RuntimeDirectories {
        if let runtimeDirectory, !runtimeDirectory.isEmpty { return RuntimeDirectories([runtimeDirectory]) }
        let user = HostInformation.userID
        var paths: [String] = []
        if let userDirectory, !userDirectory.isEmpty { paths.append(userDirectory + "/naru") }
        for path in ["/run/user/\(user)/naru", "/tmp/naru-\(user)"] where !paths.contains(path) { paths.append(path) }
        return RuntimeDirectories(paths)
    }

    /// The first folder that is usable, made where it is missing.
    /// - Throws: ``NaruError/Code/system`` with every folder's reason.
    public func usable() throws(NaruError) -> String {
        var reasons: [String] = []
        for path in paths {
            do {
                try Self.prepare(path)
                return path
            } catch {
                reasons.append("\(path): \(error.reason)")
            }
        }
        throw NaruError(
            .system, operation: "listen", object: "runtime directory", reason: reasons.joined(separator: "; "),
            remedy: "set NARU_RUNTIME_DIR to a folder of your own with mode 0700")
    }

    /// Makes the folder, or checks that an existing one is the user's own and closed to others.
    private static func prepare(_ path: String) throws(NaruError) {
        func refused(_ reason: String) -> NaruError {
            NaruError(.system, operation: "use", object: path, reason: reason)
        }
        do {
            try FileSystem.makeDirectory(path, permissions: 0o700)
        } catch {
            guard error.errno == SystemErrno.exists else { throw refused(error.description) }
        }
        let problem: String?
        do {
            problem = try Self.problem(path)
        } catch {
            throw refused(error.description)
        }
        if let problem { throw refused(problem) }
    }

    /// Why nobody of this user's can be met in a folder, if so: whoever else owns it, or may write to it, could put a
    /// name there. Throws `ENOENT` where there is none.
    public static func problem(_ path: String) throws(SystemError) -> String? {
        let status = try FileSystem.status(path, followingSymbolicLinks: false)
        guard status.kind == .directory else { return "it is not a folder" }
        guard HostInformation.isOwnUser(status.userID) else {
            return "it belongs to \(LocalListener.naming(status.userID))"
        }
        guard status.permissions & 0o077 == 0 else { return "it is open to other users" }
        return nil
    }
}
