// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// Tries whether this host has named pipes.
enum NamedPipeProbe {
    /// Makes one in the first folder that takes it: where links may meet, else where everybody may write.
    static func run() -> Availability {
        var reasons: [String] = []
        for folder in RuntimeDirectories.standard().paths + ["/tmp", "/dev/shm"] {
            do throws(SystemError) {
                guard try attempt(folder) else {
                    return .refused(reason: "a named pipe does not carry a byte", remedy: "check the sandbox")
                }
                return .available
            } catch {
                // A folder that is not there yet is made when something listens.
                if error.errno != SystemErrno.notFound { reasons.append(error.description) }
            }
        }
        return .refused(
            reason: "no folder takes a named pipe: \(reasons.joined(separator: "; "))",
            remedy: "permit mkfifo, or set NARU_RUNTIME_DIR to a folder on a file system that has FIFOs")
    }

    private static func attempt(_ folder: String) throws(SystemError) -> Bool {
        let path = "\(folder)/\(NamedPipeName.random())"
        try FileSystem.makeFIFO(path, permissions: 0o600)
        defer { try? FileSystem.remove(path) }
        let reading = try FileSystem.open(path, [.read, .nonBlocking, .noFollow])
        let writing = try FileSystem.open(path, [.write, .nonBlocking, .noFollow])
        let sent: [UInt8] = [1]
        var found: [UInt8] = [0, 0]
        // Both are valid for their calls, and the kernel stays within the counts.
        let written = unsafe try sent.span.bytes.withUnsafeBytes { (bytes) throws(SystemError) in
            unsafe try writing.write(bytes)
        }
        var span = found.mutableSpan
        var room = unsafe span.mutableBytes
        let read = unsafe try room.withUnsafeMutableBytes { (buffer) throws(SystemError) in
            unsafe try reading.read(into: buffer)
        }
        return written == .bytes(1) && read == .bytes(1) && found[0] == 1
    }
}
