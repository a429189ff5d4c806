// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// A process's hold on an object of the system: a share of its sidecar's lock, until ``release()`` or the last
/// reference goes. The kernel lets go of it when the process dies.
public final class DurableHold: Sendable {
    /// What the sidecar says.
    public let record: DurableRecord
    /// Where the sidecar lies.
    public let path: String
    private let descriptor: Descriptor

    init(_ record: DurableRecord, path: String, descriptor: Descriptor) {
        self.record = record
        self.path = path
        self.descriptor = descriptor
    }

    /// Lets go. The object stays. Idempotent.
    public func release() {
        descriptor.close()
    }

    /// Lets go, and removes object and sidecar where nobody else holds them. Idempotent. For transient objects, and for
    /// such as are not worth keeping: `isWorthless` is asked while nobody else can hold the object.
    ///
    /// Of several that let go at once the last finds itself alone: the kernel drops one's share before it looks whether
    /// all of the lock can be had.
    public func releaseAndRemove(_ medium: any DurableMedium, if isWorthless: () -> Bool = { true }) {
        if let isAlone = try? descriptor.tryLock(), isAlone, Sidecar.isAt(path, descriptor), isWorthless() {
            if (try? medium.remove(record)) != nil { try? FileSystem.remove(path) }
        }
        descriptor.close()
    }

    /// Runs `body` if nobody else holds the object now, and keeps others from holding it meanwhile; whether it did.
    /// Afterwards this end holds its share again.
    /// - Throws: what `body` throws; ``NaruError/Code/busy`` when the share could not be had again, because somebody
    ///   was removing the object at that moment.
    public func alone(_ body: () throws(NaruError) -> Void) throws(NaruError) -> Bool {
        let isAlone = (try? descriptor.tryLock()) ?? false
        if isAlone { try body() }
        guard (try? descriptor.tryLockShared()) ?? false, Sidecar.isAt(path, descriptor) else {
            throw NaruError(
                .busy, operation: "hold", object: record.name, reason: "somebody else removes it at this moment")
        }
        return isAlone
    }
}

/// A sidecar file: reading, writing, and whether a descriptor is still the file at its path.
enum Sidecar {
    static func isAt(_ path: String, _ descriptor: Descriptor) -> Bool {
        guard let held = try? descriptor.status(),
            let found = try? FileSystem.status(path, followingSymbolicLinks: false)
        else { return false }
        return found.inode == held.inode && found.device == held.device
    }

    /// What the file says; `nil` where it says nothing that can be used.
    static func read(_ descriptor: Descriptor) throws(SystemError) -> DurableRecord? {
        var bytes = [UInt8](repeating: 0, count: DurableRecord.maximumByteCount + 1)
        // Safe: the buffer is the array's own.
        let count = unsafe try bytes.withUnsafeMutableBufferPointer { buffer throws(SystemError) in
            unsafe try descriptor.pread(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
        }
        guard count > 0, count <= DurableRecord.maximumByteCount else { return nil }
        return decode(Array(bytes.prefix(count)))
    }

    /// Whether it says nothing because nothing was written yet: then nothing was made either.
    static func isEmpty(_ descriptor: Descriptor) throws(SystemError) -> Bool { try descriptor.status().byteCount == 0 }

    /// Writes the record over what the file says, in one call: a maker that dies leaves the old record or the new one,
    /// never a file that does not name what was made. Blanks fill up what was longer.
    static func write(_ record: DurableRecord, _ descriptor: Descriptor) throws(SystemError) {
        var bytes = encode(record)
        let before = try descriptor.status().byteCount
        if before > DurableRecord.maximumByteCount {
            // Nobody can read it, so it names nothing.
            try descriptor.truncate(to: 0)
        } else if before > bytes.count {
            let blanks = repeatElement(UInt8(ascii: " "), count: before - bytes.count)
            bytes.insert(contentsOf: blanks, at: bytes.count - 1)
        }
        // Safe: the buffer is the array's own.
        unsafe try bytes.withUnsafeBufferPointer { buffer throws(SystemError) in
            unsafe try descriptor.pwrite(UnsafeRawBufferPointer(buffer), at: 0)
        }
    }
}
