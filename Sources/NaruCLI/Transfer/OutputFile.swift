// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import SystemPackage

/// The file that is written, or standard output.
struct OutputFile {
    private let descriptor: FileDescriptor
    private let name: String
    private let isOwn: Bool
    private let isRegular: Bool
    /// Bytes written until now.
    private(set) var written: UInt64 = 0
    /// A line with its newline, so that one call writes both.
    private var line: [UInt8] = []

    /// Opens the file at `path`, creating it where there is none; without a path it is standard output. What the file
    /// holds stays until ``begin()``.
    init(_ path: String?) throws(NaruError) {
        isOwn = path != nil
        name = path ?? "standard output"
        guard let path else {
            descriptor = .standardOutput
            isRegular = false
            return
        }
        do {
            descriptor = try FileDescriptor.open(
                FilePath(path), .writeOnly, options: .create, permissions: [.ownerReadWrite, .groupRead, .otherRead])
            isRegular = try descriptor.stat().type == .regular
        } catch {
            throw NaruError(error, "write", path)
        }
    }

    /// Cuts an own regular file to nothing.
    func begin() throws(NaruError) {
        guard isRegular else { return }
        do {
            try descriptor.resize(to: 0)
        } catch {
            throw NaruError(error, "write", name)
        }
    }

    func close() {
        // Every write was checked, and a local file system reports nothing more here.
        if isOwn { try? descriptor.close() }
    }

    /// Writes all of `bytes`, where they lie; blocks.
    mutating func write(_ bytes: RawSpan) throws(NaruError) {
        try put(bytes)
        written += UInt64(bytes.byteCount)
    }

    /// Writes all of `bytes` and a newline; blocks.
    mutating func write(line bytes: RawSpan) throws(NaruError) {
        line.removeAll(keepingCapacity: true)
        // Safe: the bytes are copied before the span ends.
        unsafe bytes.withUnsafeBytes { unsafe line.append(contentsOf: $0) }
        line.append(UInt8(ascii: "\n"))
        // Unsafe for types with padding; bytes have none.
        try put(unsafe line.span.bytes)
        written += UInt64(line.count)
    }

    private func put(_ bytes: RawSpan) throws(NaruError) {
        // Safe: the kernel reads within the span, which lives as long as the call.
        try unsafe bytes.withUnsafeBytes { buffer throws(NaruError) in
            var done = 0
            while done < buffer.count {
                do {
                    done += unsafe try descriptor.write(UnsafeRawBufferPointer(rebasing: buffer[done...]))
                } catch {
                    throw NaruError(error, "write", name)
                }
            }
        }
    }

    /// What an error adds: how much of the data a regular file holds.
    var remains: String? {
        isRegular ? "\(name) holds the first \(Format.count(written, "byte"))" : nil
    }
}
