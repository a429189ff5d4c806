// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore

/// What identifies a ring: it stands at the beginning of the data memory, and the writer tells it to the reader another
/// way, so that the reader can prove that both hold the same memory.
///
///      offset  size
///           0     8  magic: the characters `NARURING`
///           8     8  layout version
///          16     8  ring's size, bytes
///          24     8  link id, upper half
///          32     8  link id, lower half
///          40    16  nonce, random: two words
///
/// All numbers have their least significant byte first.
public struct RingHeader: Hashable, Sendable {
    /// The size of the encoded header, bytes.
    public static let byteCount = 56
    private static let magic: UInt64 = 0x474e_4952_5552_414e

    /// The ring's size, bytes: a valid one.
    public let ringBytes: Int
    /// The link that the ring belongs to.
    public let link: LinkID
    private let nonceHigh: UInt64
    private let nonceLow: UInt64

    /// The header of a new ring, with a nonce of its own.
    /// - Precondition: `ringBytes` is valid.
    public init(ringBytes: Int, link: LinkID) {
        precondition(RingLayout.isValid(ringBytes: ringBytes), "a ring cannot have \(ringBytes) bytes")
        var generator = SystemRandomNumberGenerator()
        self.ringBytes = ringBytes
        self.link = link
        nonceHigh = generator.next()
        nonceLow = generator.next()
    }

    /// Decodes a header that came from a peer.
    /// - Throws: ``NaruError/Code/protocolViolation`` naming the field that is not as it must be.
    public init(decoding bytes: RawSpan) throws(NaruError) {
        guard bytes.byteCount >= Self.byteCount else { throw Self.violation("has \(bytes.byteCount) bytes") }
        // Loads of plain integers within the size that was just checked; any bits are a value.
        func word(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        guard word(0) == Self.magic else { throw Self.violation("has no magic") }
        let version = word(8)
        guard version == UInt64(RingLayout.version) else { throw Self.violation("has version \(version)") }
        guard let ringBytes = Int(exactly: word(16)), RingLayout.isValid(ringBytes: ringBytes) else {
            throw Self.violation("declares a ring of \(word(16)) bytes")
        }
        self.ringBytes = ringBytes
        link = LinkID(high: word(24), low: word(32))
        nonceHigh = word(40)
        nonceLow = word(48)
    }

    /// The encoded header.
    public var encoded: [UInt8] {
        let words = [
            Self.magic, UInt64(RingLayout.version), UInt64(ringBytes), link.high, link.low, nonceHigh, nonceLow,
        ]
        return words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
    }

    private static func violation(_ what: String) -> NaruError {
        NaruError(.protocolViolation, operation: "open", object: "ring", reason: "the ring's header \(what)")
    }
}
