// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import SystemPackage

/// The file that is sent, or standard input.
struct InputFile {
    private let descriptor: FileDescriptor
    private let name: String
    private let isOwn: Bool
    /// The bytes from the present position to the end of a regular file; `nil` for anything else.
    let byteCount: Int?

    /// Opens the file at `path`; `-` is standard input.
    init(_ path: String) throws(NaruError) {
        isOwn = path != "-"
        name = isOwn ? path : "standard input"
        do {
            descriptor = isOwn ? try FileDescriptor.open(FilePath(path), .readOnly) : .standardInput
            let status = try descriptor.stat()
            if status.type == .directory { throw Errno.isDirectory }
            if status.type == .regular {
                byteCount = max(0, Int(status.size - (try descriptor.seek(offset: 0, from: .current))))
            } else {
                byteCount = nil
            }
        } catch {
            throw NaruError(error, "read", name)
        }
    }

    func close() {
        // A file that was only read has nothing to lose at its close.
        if isOwn { try? descriptor.close() }
    }

    /// Reads until the buffer is full or the file ends; blocks. Returns how many bytes were read.
    func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(NaruError) -> Int {
        var done = 0
        while done < buffer.count {
            let count = try unsafe readSome(UnsafeMutableRawBufferPointer(rebasing: buffer[done...]))
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// Reads exactly the buffer's size.
    /// - Throws: also when the file became shorter meanwhile.
    func fillAll(_ buffer: UnsafeMutableRawBufferPointer) throws(NaruError) {
        guard try unsafe fill(buffer) == buffer.count else {
            throw NaruError(
                .system, operation: "read", object: name, reason: "the file became shorter while it was sent")
        }
    }

    /// Reads what is there, at least one byte before the end of the file; blocks. 0 at the end.
    func readSome(_ buffer: UnsafeMutableRawBufferPointer) throws(NaruError) -> Int {
        do {
            return unsafe try descriptor.read(into: buffer)
        } catch {
            throw NaruError(error, "read", name)
        }
    }
}
