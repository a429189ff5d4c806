// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// How much shared memory this process may still allocate.
public enum MemoryRoom {
    /// The least of what `/dev/shm` and the process's control groups have left, bytes; `nil` where neither limits it.
    ///
    /// A memory file does not lie in `/dev/shm`, but comes from the same memory, and the size of that folder is what an
    /// operator sets to bound it. Reads a few small files of the kernel's; does not block.
    public static func byteCount() -> UInt64? {
        let folder = try? FileSystem.freeSpace("/dev/shm")
        let group = ControlGroup.memory().map { $0.limit > $0.used ? $0.limit - $0.used : 0 }
        return switch (folder, group) {
        case (let folder?, let group?): min(folder, group)
        case (let room, nil), (nil, let room): room
        }
    }
}
