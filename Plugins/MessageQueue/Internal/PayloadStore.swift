// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// Where the payloads of a shared queue lie that are too large for it: files of mode 0600 in a folder of mode 0700 that
/// belongs to the queue and goes with it.
///
/// A message in the queue then is a claim check: the record's header and the file's name. Whoever takes the message
/// takes the file: opens it, removes it, reads it. Of a taker that is killed in between, and of a sender that is killed
/// before its message is in the queue, the file stays until the queue is next found empty by somebody who is alone with
/// it, or goes.
struct PayloadStore: Sendable {
    /// The folder, with a name that nobody can guess before it is there.
    let folder: String

    /// Stores a payload of two parts.
    /// - Throws: ``NaruError/Code/resourceExhausted`` when there is no room; nothing is left then.
    func put(_ token: UInt64, _ prefix: RawSpan, _ bytes: RawSpan) throws(NaruError) {
        let path = path(token)
        do throws(SystemError) {
            let file = try make(path)
            do throws(SystemError) {
                let byteCount = prefix.byteCount + bytes.byteCount
                if byteCount > 0 { try reserve(file, byteCount) }
                try write(prefix, file, at: 0)
                try write(bytes, file, at: prefix.byteCount)
            } catch {
                try? FileSystem.remove(path)
                throw error
            }
        } catch {
            throw NaruError(error, operation: "send", object: path)
        }
    }

    /// Forgets a payload whose message was not sent.
    func discard(_ token: UInt64) {
        try? FileSystem.remove(path(token))
    }

    /// Takes a payload, once.
    /// - Throws: ``NaruError/Code/corrupted`` when it is not there, or not of this size.
    func take(_ token: UInt64, byteCount: Int) throws(NaruError) -> OwnedMessage {
        let path = path(token)
        do {
            let file = try FileSystem.open(path, [.read, .noFollow, .nonBlocking])
            try FileSystem.remove(path)
            let status = try file.status()
            guard status.kind == .regular, HostInformation.isOwnUser(status.userID), status.byteCount == byteCount
            else {
                throw NaruError(
                    .corrupted, operation: "receive", object: path,
                    reason: "the payload has \(status.byteCount) bytes, its message says \(byteCount)")
            }
            // Read, not mapped: whoever else has the file open could cut it under the reader.
            let memory = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: 16)
            let message = unsafe OwnedMessage(adopting: memory, byteCount: byteCount)
            // Written before anybody else sees the message.
            let count = unsafe try file.pread(
                into: UnsafeMutableRawBufferPointer(start: memory, count: byteCount), at: 0)
            guard count == byteCount else {
                throw NaruError(
                    .corrupted, operation: "receive", object: path, reason: "the payload was cut while it was read")
            }
            return message
        } catch let error as SystemError {
            guard error.errno == SystemErrno.notFound else {
                throw NaruError(error, operation: "receive", object: path)
            }
            throw NaruError(
                .corrupted, operation: "receive", object: path,
                reason: "the payload of a large message is not there: somebody removed it",
                remedy: "leave the queue's folder alone")
        } catch {
            throw error as! NaruError
        }
    }

    /// Removes every payload, and the folder.
    func removeAll() {
        removePayloads()
        try? FileSystem.removeDirectory(folder)
    }

    /// Removes every payload: for who is alone with the queue and finds it empty.
    func removePayloads() {
        guard isOwn else { return }
        for name in (try? FileSystem.list(folder)) ?? [] { try? FileSystem.remove(folder + "/" + name) }
    }

    /// Whether a payload was ever stored.
    var isThere: Bool { (try? FileSystem.status(folder, followingSymbolicLinks: false)) != nil }

    private var isOwn: Bool {
        guard let status = try? FileSystem.status(folder, followingSymbolicLinks: false) else { return false }
        return status.kind == .directory && HostInformation.isOwnUser(status.userID)
            && status.permissions & 0o077 == 0
    }

    private func path(_ token: UInt64) -> String { folder + "/" + String(token, radix: 16) }

    /// Makes the file, and the folder where it is missing.
    private func make(_ path: String) throws(SystemError) -> Descriptor {
        do {
            return try FileSystem.open(path, [.write, .create, .exclusive], permissions: 0o600)
        } catch {
            guard error.errno == SystemErrno.notFound else { throw error }
        }
        do {
            try FileSystem.makeDirectory(folder, permissions: 0o700)
        } catch {
            guard error.errno == SystemErrno.exists else { throw error }
        }
        guard isOwn else {
            throw SystemError(function: "mkdir", object: folder, errno: SystemErrno.accessDenied)
        }
        return try FileSystem.open(path, [.write, .create, .exclusive], permissions: 0o600)
    }

    /// Takes the room at once, so that a full file system is found before anything is written.
    private func reserve(_ file: Descriptor, _ byteCount: Int) throws(SystemError) {
        do {
            try file.allocate(byteCount: byteCount)
        } catch {
            // A file system without that operation says when it is full as it is written to.
            guard error.errno == SystemErrno.notSupported else { throw error }
        }
    }

    private func write(_ bytes: RawSpan, _ file: Descriptor, at offset: Int) throws(SystemError) {
        var failure: SystemError?
        unsafe bytes.withUnsafeBytes { buffer in
            do throws(SystemError) {
                // Safe: the bytes are the caller's for the call.
                unsafe try file.pwrite(buffer, at: offset)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }
}
