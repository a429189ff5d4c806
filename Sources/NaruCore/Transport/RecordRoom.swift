// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// Memory that a lane lends for many small plain records, written one behind the other as they are sent: a batch whose
/// messages cost no call each.
///
/// A record is its header word, then its bytes, then nothing up to a multiple of 8, as in ``RecordHeader``.
// Safe: everything is written within the bytes that the lane lent, which is what `append` compares with.
@safe public struct RecordRoom {
    /// The memory, 8-byte aligned; `nil`: there is none.
    @usableFromInline let base: UnsafeMutableRawPointer?
    /// Its size, bytes: 0 where there is none.
    public let byteCount: Int
    /// What the records take that lie in it, bytes.
    public var usedByteCount = 0
    /// How many they are.
    @usableFromInline var count = 0
    /// Their messages' bytes.
    @usableFromInline var messageByteCount = 0

    /// The largest message that is sent this way, bytes: a larger one is worth a call.
    public static var largestByteCount: Int { 1023 }

    /// No room.
    public init() {
        unsafe base = nil
        byteCount = 0
    }

    /// Room in a lane's memory, which stays valid until the lane is told how much of it was used.
    public init(_ memory: UnsafeMutableRawBufferPointer) {
        unsafe base = memory.baseAddress
        byteCount = memory.count
    }

    /// Writes a record behind those that lie here; `false` when it does not fit, or is a large one.
    // Inlinable: it is all that a small message of a batch costs.
    @inlinable
    @inline(__always)
    public mutating func append(_ bytes: RawSpan) -> Bool {
        let size = bytes.byteCount
        let end = usedByteCount &+ ((size &+ 15) & ~7)
        guard size <= Self.largestByteCount, end <= byteCount, let base = unsafe base else { return false }
        let record = unsafe base + usedByteCount
        unsafe record.storeBytes(of: RecordHeader.plainWord(byteCount: size), as: UInt64.self)
        if size > 0 {
            unsafe bytes.withUnsafeBytes {
                unsafe copyBytes(
                    $0.baseAddress.unsafelyUnwrapped, to: record + RecordHeader.byteCount, count: $0.count)
            }
        }
        usedByteCount = end
        count &+= 1
        messageByteCount &+= size
        return true
    }
}
