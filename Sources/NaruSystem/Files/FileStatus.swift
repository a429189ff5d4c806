// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// What kind of object a descriptor or a path names.
public enum FileKind: Sendable, Hashable {
    case regular, directory, socket, fifo, symbolicLink, character, other
}

/// What the kernel tells of a file.
public struct FileStatus: Sendable, Equatable {
    /// The kind of object.
    public let kind: FileKind
    /// Its size in bytes.
    public let byteCount: Int
    /// Its number within the device.
    public let inode: UInt64
    /// The device it lies on; with ``inode`` it tells whether two names are one object.
    public let device: UInt64
    /// Its owner.
    public let userID: UInt32
    /// Its group.
    public let groupID: UInt32
    /// The permission bits, at most `0o7777`.
    public let permissions: UInt16

    init(_ status: naru_status) {
        // The file type of a mode, S_IFMT: the same numbers on every Linux.
        kind =
            switch status.mode & 0o170000 {
            case 0o100000: .regular
            case 0o040000: .directory
            case 0o140000: .socket
            case 0o010000: .fifo
            case 0o120000: .symbolicLink
            case 0o020000: .character
            default: .other
            }
        byteCount = Int(status.byte_count)
        inode = status.inode
        device = status.device
        userID = status.user_id
        groupID = status.group_id
        permissions = UInt16(status.mode & 0o7777)
    }
}
