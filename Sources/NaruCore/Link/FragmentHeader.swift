// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What stands before the bytes of each fragment: 16 bytes, least significant byte first.
///
///      byte    0                               8
///          +-------------------------------+-------------------------------+
///          |  message number, from 1       |  bytes of the whole message   |
///          +-------------------------------+-------------------------------+
///
/// Fragments of one message follow each other in order; the last is the one that completes the count.
struct FragmentHeader: Hashable, Sendable {
    var message: UInt64
    var total: UInt64

    static let byteCount = 16

    init(message: UInt64, total: UInt64) {
        self.message = message
        self.total = total
    }

    /// Reads a header from the first bytes of a record; `nil` when it is too short.
    init?(_ bytes: RawSpan) {
        guard bytes.byteCount >= FragmentHeader.byteCount else { return nil }
        // Any 16 bytes are two integers, and the length was checked.
        message = UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self))
        total = UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// Lends the encoded header.
    func withBytes<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
        let words = [message.littleEndian, total.littleEndian]
        return unsafe try body(words.span.bytes)
    }
}
