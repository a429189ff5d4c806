// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// The first bytes of every connection, from whoever dialed: what the connection is to be.
///
///      byte  0                     5          6       7          8                24
///            +---------------------+----------+-------+----------+----------------+
///            | "NARU" 0            | version  | kind  | 0        | token (a lane) |
///            +---------------------+----------+-------+----------+----------------+
///
/// A control connection has nothing more: the core's frames follow. A lane has the token that the listener's opening
/// gave out over the control connection, then the lane's proof.
enum Preamble: Hashable {
    case control
    case lane(token: [UInt8])

    static let headBytes = 8
    static let tokenBytes = 16
    private static let version: UInt8 = 1
    private static let magic: [UInt8] = Array("NARU".utf8) + [0]

    private enum Kind: UInt8 {
        case control = 1, lane
    }

    /// As it travels.
    var bytes: [UInt8] {
        switch self {
        case .control: Self.magic + [Self.version, Kind.control.rawValue, 0]
        case .lane(let token): Self.magic + [Self.version, Kind.lane.rawValue, 0] + token
        }
    }

    /// How many bytes there are in all, from the first of them; `nil` when they begin no preamble.
    static func byteCount(_ head: [UInt8]) -> Int? {
        let common = min(head.count, magic.count)
        guard head[..<common] == magic[..<common] else { return nil }
        guard head.count >= headBytes else { return headBytes }
        guard head[5] == version, head[7] == 0 else { return nil }
        switch Kind(rawValue: head[6]) {
        case .control: return headBytes
        case .lane: return headBytes + tokenBytes
        case nil: return nil
        }
    }

    /// A whole preamble; `nil` when it is none.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.headBytes, Self.byteCount(bytes) == bytes.count else { return nil }
        self = bytes.count == Self.headBytes ? .control : .lane(token: Array(bytes[Self.headBytes...]))
    }
}
