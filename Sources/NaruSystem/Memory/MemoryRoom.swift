// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import Synchronization

/// How much shared memory this process may still allocate.
public enum MemoryRoom {
    private struct Reading {
        var room: UInt64?
        var until: Deadline
    }

    /// The latest reading, less what this process has said that it takes since.
    private static let latest = Mutex<Reading?>(nil)
    /// How long a reading counts.
    private static let lifetime = Duration.seconds(1)

    /// Takes `byteCount` bytes of the room if, with the `held` bytes that the caller took before, they are at most a
    /// `share`-th of the room and those.
    ///
    /// A reading counts for a second, less what this process took since: what other processes allocate in that second
    /// is not seen, but each of them keeps to its share too, and a reading that is a moment old is what anybody has who
    /// asks before allocating. Nothing is refused on an old reading.
    /// - Returns: `nil` when they are taken, else the room, which is too small.
    public static func take(_ byteCount: Int, share: UInt64, held: Int) -> UInt64? {
        latest.withLock { latest in
            let now = Deadline.now
            let size = UInt64(clamping: byteCount)
            let held = UInt64(clamping: held)
            func fits(_ room: UInt64) -> Bool { size <= room && size + held <= (room + held) / share }
            if let reading = latest, now < reading.until {
                guard let room = reading.room else { return nil }
                if fits(room) {
                    latest?.room = room - size
                    return nil
                }
            }
            let room = MemoryRoom.byteCount()
            let isTaken = room.map(fits) ?? true
            latest = Reading(room: isTaken ? room.map { $0 - size } : room, until: .after(lifetime))
            return isTaken ? nil : room
        }
    }

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
