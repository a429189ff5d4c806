// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore

/// How records lie on a byte stream, and their limits.
///
/// A record is the header word of ``NaruCore/RecordHeader``, least significant byte first, then its bytes. Every header
/// begins at a multiple of eight bytes from the stream's begin, so that payloads lie as aligned in a receiver's buffer
/// as they do in memory that is shared:
///
///      byte  0               8                8 + n      next multiple of 8
///            +---------------+-----------------+----------+-------------
///            | header word   | n bytes         | padding  | next header
///            +---------------+-----------------+----------+-------------
///
/// The padding belongs to the record behind it: a record is whole without it.
public enum StreamFormat {
    /// The most bytes of one record on a stream. A larger message is fragmented by the core. One record of this size is
    /// written without a copy; the bound is what a receiver must be ready to buffer for a peer.
    public static let maximumRecordBytes = 262_144

    /// The most bytes of one record on a pipe, where a loan of this size is given to the kernel without a copy.
    public static let maximumPipeRecordBytes = 1 << 20

    /// Bytes that a receiver reads with one call, where no larger record is announced.
    static let readBytes = 65536

    /// The padding behind a record of `byteCount` bytes.
    @inline(__always)
    static func padding(after byteCount: Int) -> Int { -byteCount & 7 }

    /// Why a header word of a peer cannot be a record's, or `nil` when it can.
    static func violation(_ word: UInt64, maximumRecordBytes: Int) -> String? {
        guard let (header, byteCount) = RecordHeader.split(word) else { return "a record's commit word is zero" }
        if byteCount > maximumRecordBytes {
            return "a record announces \(byteCount) B, the limit is \(maximumRecordBytes) B"
        }
        if !carries(header.kind) { return "a stream carries no record of kind \(header.kind.rawValue)" }
        if Int(header.extensionByteCount) > byteCount {
            return "a record of \(byteCount) B announces an extension of \(header.extensionByteCount) B"
        }
        return nil
    }

    /// Whether records of a kind travel on streams. Padding and references to memory outside the lane do not.
    @inline(__always)
    static func carries(_ kind: RecordHeader.Kind) -> Bool {
        // A bit for each of finish, switch, abort, fragment and data: a constant, since this is asked for every record.
        kind.rawValue < 8 && 0b0110_1110 & (1 << kind.rawValue) != 0
    }
}
