// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// How ``FileSystem/open(_:_:permissions:)`` opens a file. Close-on-exec always.
public struct OpenOptions: OptionSet, Sendable, Hashable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// For reading; what is meant when neither this nor ``write`` is given.
    public static let read = OpenOptions(rawValue: 1 << 0)
    /// For writing.
    public static let write = OpenOptions(rawValue: 1 << 1)
    /// Creates the file where there is none.
    public static let create = OpenOptions(rawValue: 1 << 2)
    /// With ``create``: throws `EEXIST` where there is one, and never follows a symbolic link.
    public static let exclusive = OpenOptions(rawValue: 1 << 3)
    /// Cuts the file to nothing.
    public static let truncate = OpenOptions(rawValue: 1 << 4)
    /// Every write goes to the end.
    public static let append = OpenOptions(rawValue: 1 << 5)
    /// Throws `ENOTDIR` for anything but a directory.
    public static let directory = OpenOptions(rawValue: 1 << 6)
    /// Throws `ELOOP` when the last part of the path is a symbolic link.
    public static let noFollow = OpenOptions(rawValue: 1 << 7)
    /// Neither opening nor using it blocks.
    public static let nonBlocking = OpenOptions(rawValue: 1 << 8)
    /// A hold on the path only: neither read nor written.
    public static let pathOnly = OpenOptions(rawValue: 1 << 9)

    var flags: Int32 {
        // The order of naru_open_flag.
        var flags = naru_open_flag(contains(.write) ? (contains(.read) ? 2 : 1) : 0)
        for bit in Int32(2)..<10 where rawValue & (1 << UInt32(bit)) != 0 { flags |= naru_open_flag(bit + 1) }
        return flags
    }
}
