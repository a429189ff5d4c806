// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// Who holds which file's lock, as `/proc/locks` tells: those processes that this one can see.
struct LockTable {
    private var holders: [Key: [Int32]] = [:]

    private struct Key: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    /// The locks of the host now; none where `/proc` is not there.
    static func read() -> LockTable {
        let text = (try? FileSystem.readSmallFile("/proc/locks", limit: 1 << 24)) ?? []
        return LockTable(parsing: String(decoding: text, as: UTF8.self))
    }

    /// Lines such as `1: FLOCK  ADVISORY  WRITE 1234 fe:00:16220257 0 EOF`; `1: -> …` only waits for a lock.
    init(parsing text: String) {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count >= 6, fields[1] == "FLOCK", let process = Int32(fields[4]), process > 0 else { continue }
            let place = fields[5].split(separator: ":")
            guard place.count == 3, let major = UInt64(place[0], radix: 16), let minor = UInt64(place[1], radix: 16),
                let inode = UInt64(place[2])
            else { continue }
            holders[Key(device: Self.device(major, minor), inode: inode), default: []].append(process)
        }
    }

    /// The processes that hold a file's lock, in order.
    func holders(of status: FileStatus) -> [Int32] {
        Array(Set(holders[Key(device: status.device, inode: status.inode)] ?? [])).sorted()
    }

    /// The number that `stat` gives a device: `makedev`.
    private static func device(_ major: UInt64, _ minor: UInt64) -> UInt64 {
        (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~0xff) << 12 | (major & ~0xfff) << 32
    }
}
