// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// Tries whether this process may have pipes.
enum AnonymousPipeProbe {
    static func run() -> Availability {
        do throws(SystemError) {
            let (reading, writing) = try SystemPipe.make(nonBlocking: true)
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
            guard written == .bytes(1), read == .bytes(1), found[0] == 1 else {
                return .refused(reason: "a pipe does not carry a byte", remedy: "check the sandbox")
            }
            return .available
        } catch {
            return .refused(
                reason: error.description, remedy: "permit pipe2, or raise the limit of descriptors with `ulimit -n`")
        }
    }
}
