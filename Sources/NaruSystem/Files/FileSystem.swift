// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// Files and directories by path. Every function may block on the device and throws `EINVAL` for a path with a NUL
/// byte.
public enum FileSystem {
    /// What the kernel tells of a path.
    public static func status(_ path: String, followingSymbolicLinks: Bool) throws(SystemError) -> FileStatus {
        var status = naru_status()
        // Safe: the callee fills the local.
        let result = unsafe naru_status_at(try checkedPath(path, "fstatat"), followingSymbolicLinks ? 1 : 0, &status)
        try checked(result, "fstatat", path)
        return FileStatus(status)
    }

    /// Opens a file; `permissions`, less the umask, are those of a file that it creates.
    public static func open(
        _ path: String, _ options: OpenOptions, permissions: UInt16 = 0o600
    ) throws(SystemError) -> Descriptor {
        // Safe, here and below: the text is NUL-terminated and valid for the call.
        let raw = unsafe naru_open(try checkedPath(path, "open"), options.flags, UInt32(permissions))
        return Descriptor(adopting: try checked(raw, "open", path))
    }

    /// Makes a directory with `permissions` less the umask; `EEXIST` when there is something.
    public static func makeDirectory(_ path: String, permissions: UInt16) throws(SystemError) {
        try checked(unsafe naru_make_directory(try checkedPath(path, "mkdir"), UInt32(permissions)), "mkdir", path)
    }

    /// Removes a name that is no directory. A symbolic link is removed itself.
    public static func remove(_ path: String) throws(SystemError) {
        try checked(unsafe naru_remove(try checkedPath(path, "unlink")), "unlink", path)
    }

    /// Removes an empty directory; `ENOTEMPTY` when it is not.
    public static func removeDirectory(_ path: String) throws(SystemError) {
        try checked(unsafe naru_remove_directory(try checkedPath(path, "rmdir")), "rmdir", path)
    }

    /// Gives a file another name, in one step; what had that name is replaced.
    public static func rename(_ from: String, to: String) throws(SystemError) {
        let result = unsafe naru_rename(try checkedPath(from, "rename"), try checkedPath(to, "rename"))
        try checked(result, "rename", "\(from), \(to)")
    }

    /// The names in a directory, in no order, without `.` and `..`.
    public static func list(_ path: String) throws(SystemError) -> [String] {
        var directory: UnsafeMutableRawPointer?
        // Safe: the handle is used until it is closed once, below.
        try checked(unsafe naru_directory_open(try checkedPath(path, "opendir"), &directory), "opendir", path)
        guard let directory = unsafe directory else { return [] }
        defer { unsafe naru_directory_close(directory) }
        var names: [String] = []
        while true {
            var result: Int32 = 0
            let name = unsafe text(capacity: 256) { buffer in
                result = unsafe naru_directory_next(directory, buffer, 256)
                return result
            }
            guard try checked(result, "readdir", path) > 0, let name else { return names }
            names.append(name)
        }
    }

    /// Sets the permission bits exactly; `ELOOP` for a symbolic link, which is not followed.
    public static func setPermissions(_ path: String, permissions: UInt16) throws(SystemError) {
        try checked(unsafe naru_set_permissions(try checkedPath(path, "chmod"), UInt32(permissions)), "chmod", path)
    }

    /// How many bytes an ordinary user may still write to the file system that holds the path.
    public static func freeSpace(_ path: String) throws(SystemError) -> UInt64 {
        var byteCount: UInt64 = 0
        try checked(unsafe naru_free_space(try checkedPath(path, "statvfs"), &byteCount), "statvfs", path)
        return byteCount
    }

    /// Makes a named pipe with `permissions` less the umask; `EEXIST` when there is something.
    public static func makeFIFO(_ path: String, permissions: UInt16) throws(SystemError) {
        try checked(unsafe naru_make_fifo(try checkedPath(path, "mkfifo"), UInt32(permissions)), "mkfifo", path)
    }

    /// Where a symbolic link points.
    public static func readLink(_ path: String) throws(SystemError) -> String {
        let checkedPath = try checkedPath(path, "readlink")
        var result: Int64 = 0
        let target = unsafe text(capacity: 4096) { buffer in
            result = unsafe naru_read_link(checkedPath, buffer, 4096)
            return result < 0 ? -1 : 0
        }
        try checked(result, "readlink", path)
        return target ?? ""
    }

    /// The number that a file of the kernel holds, as those of `/proc/sys` do; nil where there is none.
    public static func readNumber(_ path: String) -> Int? {
        guard let bytes = try? readSmallFile(path, limit: 64) else { return nil }
        return Int(String(decoding: bytes.prefix { $0 > UInt8(ascii: " ") }, as: UTF8.self))
    }

    /// The whole of a file of at most `limit` bytes; `EFBIG` when it is longer. Also for files of `/proc`.
    public static func readSmallFile(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let file = try open(path, [.read, .nonBlocking])
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            // Safe: the buffer is the array's own.
            let result = unsafe try chunk.withUnsafeMutableBufferPointer { buffer throws(SystemError) in
                unsafe try file.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            switch result {
            case .endOfFile: return bytes
            case .wouldBlock: throw failure(SystemErrno.again, "read", path)
            case .bytes(let count): bytes.append(contentsOf: chunk.prefix(count))
            }
            if bytes.count > limit { throw failure(SystemErrno.fileTooBig, "read", path) }
        }
    }
}
