// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// Tries whether this host has named pipes.
enum NamedPipeProbe {
    /// Asks for one where something lies already, which the kernel says after it has permitted the call, and has a pipe
    /// carry a byte. Makes no name, because one whose maker is killed at that moment would stay.
    static func run() -> Availability {
        let remedy = "permit mkfifo, mknod and mknodat in the seccomp profile"
        do throws(SystemError) {
            try FileSystem.makeFIFO("/", permissions: 0o600)
            return .refused(reason: "mkfifo does not see what is there", remedy: remedy)
        } catch {
            guard error.errno == SystemErrno.exists else {
                return .refused(reason: error.description, remedy: remedy)
            }
        }
        do throws(SystemError) {
            guard try carries() else {
                return .refused(reason: "a pipe does not carry a byte", remedy: "check the sandbox")
            }
            return .available
        } catch {
            return .refused(reason: error.description, remedy: "raise the limit of open files, or permit pipe2")
        }
    }

    private static func carries() throws(SystemError) -> Bool {
        let pipe = try SystemPipe.make(nonBlocking: true)
        let sent: [UInt8] = [1]
        var found: [UInt8] = [0, 0]
        // Both are valid for their calls, and the kernel stays within the counts.
        let written = unsafe try sent.span.bytes.withUnsafeBytes { (bytes) throws(SystemError) in
            unsafe try pipe.writing.write(bytes)
        }
        var span = found.mutableSpan
        var room = unsafe span.mutableBytes
        let read = unsafe try room.withUnsafeMutableBytes { (buffer) throws(SystemError) in
            unsafe try pipe.reading.read(into: buffer)
        }
        return written == .bytes(1) && read == .bytes(1) && found[0] == 1
    }
}
