// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// Memory that a lane lends for many plain records, written one behind the other as they are sent: a batch whose
/// messages do not go through the layers below one by one.
///
/// A record is its header word, then its bytes, then nothing up to a multiple of 8, as in ``RecordHeader``; a large one
/// takes whole cache lines, and its bytes begin on one.
// Safe: everything is written within the bytes that the lane lent, which is what `append` compares with.
@safe public struct RecordRoom {
    /// The memory, 8-byte aligned; `nil`: there is none.
    @usableFromInline let base: UnsafeMutableRawPointer?
    /// How large records are copied there. The lane's, which lends it with the memory and lives longer.
    private let bulk: Unmanaged<BulkCopy>?
    /// The memory's size, bytes: 0 where there is none.
    public let byteCount: Int
    /// The largest message that is sent this way, bytes: what fits, unless whoever borrows the room permits less.
    @usableFromInline var limit: Int
    /// What the records take that lie in it, bytes.
    public var usedByteCount = 0
    /// How many they are.
    @usableFromInline var count = 0
    /// Their messages' bytes.
    @usableFromInline var messageByteCount = 0

    /// From how many bytes on a record is large, and its bytes begin on a cache line: copies to and from it are then a
    /// third faster.
    @inlinable
    public static var largeByteCount: Int { 1_024 }

    /// What a record of so many bytes takes, its header word included: a multiple of 8, or of a cache line where it is
    /// large, so that the next needs no padding. Never less for more bytes.
    @inlinable
    @inline(__always)
    public static func stride(_ byteCount: Int) -> Int {
        byteCount < largeByteCount ? (byteCount &+ 15) & ~7 : (byteCount &+ 71) & ~63
    }

    /// No room.
    public init() {
        unsafe base = nil
        unsafe bulk = nil
        (byteCount, limit) = (0, 0)
    }

    /// Room in a lane's memory. Memory and copier stay valid until the lane is told how much of it was used.
    public init(_ memory: UnsafeMutableRawBufferPointer, copying bulk: BulkCopy) {
        unsafe base = memory.baseAddress
        unsafe self.bulk = Unmanaged.passUnretained(bulk)
        (byteCount, limit) = (memory.count, memory.count)
    }

    /// Writes a record behind those that lie here; `false` when it does not fit, or is large and would not begin on a
    /// line.
    // Inlinable: it is all that a small message of a batch costs.
    @inlinable
    @inline(__always)
    public mutating func append(_ bytes: RawSpan) -> Bool {
        let size = bytes.byteCount
        if size >= Self.largeByteCount { return appendLarge(bytes) }
        let end = usedByteCount &+ Self.stride(size)
        guard size <= limit, end <= byteCount, let base = unsafe base else { return false }
        let record = unsafe base + usedByteCount
        unsafe record.storeBytes(of: RecordHeader.plainWord(byteCount: size), as: UInt64.self)
        if size > 0 {
            unsafe bytes.withUnsafeBytes {
                unsafe copyBytes(
                    $0.baseAddress.unsafelyUnwrapped, to: record + RecordHeader.byteCount, count: $0.count)
            }
        }
        noteRecord(size, upTo: end)
        return true
    }

    /// As ``append(_:)``, for a large message.
    @usableFromInline
    mutating func appendLarge(_ bytes: RawSpan) -> Bool {
        let size = bytes.byteCount
        let end = usedByteCount &+ Self.stride(size)
        guard size <= limit, end <= byteCount, let base = unsafe base, let bulk = unsafe bulk else { return false }
        let record = unsafe base + usedByteCount
        let payload = unsafe record + RecordHeader.byteCount
        guard Int(bitPattern: payload) & 63 == 0 else { return false }
        // Without a retain, an atomic operation, which would wait until all that was stored before is visible.
        unsafe bulk._withUnsafeGuaranteedRef { bulk in
            unsafe bytes.withUnsafeBytes {
                unsafe bulk.copy($0.baseAddress.unsafelyUnwrapped, to: payload, count: $0.count)
            }
        }
        unsafe record.storeBytes(of: RecordHeader.plainWord(byteCount: size), as: UInt64.self)
        noteRecord(size, upTo: end)
        return true
    }

    @inlinable
    @inline(__always)
    mutating func noteRecord(_ size: Int, upTo end: Int) {
        usedByteCount = end
        count &+= 1
        messageByteCount &+= size
    }
}
