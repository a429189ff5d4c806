// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruRing

/// What the writer of a ring says to its reader, beside the two descriptors: which ring they hold.
///
///      offset  size
///           0     8  version of this message, least significant byte first
///           8    56  the ring's header, as it stands in the data memory
enum RingAnnouncement {
    /// The version of the message.
    static let version: UInt64 = 1
    /// The message's size, bytes.
    static let byteCount = 8 + RingHeader.byteCount

    static func encode(_ header: RingHeader) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: version >> (8 * $0)) } + header.encoded
    }

    /// - Throws: `NaruError.Code.protocolViolation` when the bytes are not a message of this version.
    static func decode(_ bytes: [UInt8]) throws(NaruError) -> RingHeader {
        guard bytes.count == byteCount else { throw violation("has \(bytes.count) bytes, not \(byteCount)") }
        let version = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << (8 * UInt64($1)) }
        guard version == Self.version else { throw violation("has version \(version), not \(Self.version)") }
        // A view of the array, which outlives it.
        return try unsafe RingHeader(decoding: bytes.span.bytes.extracting(droppingFirst: 8))
    }

    private static func violation(_ what: String) -> NaruError {
        NaruError(
            .protocolViolation, operation: "open", object: TransportName.sharedMemory.rawValue,
            reason: "the peer's announcement \(what)")
    }
}
