// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What stands before the bytes of every record on every lane.
///
/// A lane carries records; the core makes messages of them. On all of Naru's lanes the header is the same 64-bit word,
/// least significant byte first:
///
///      byte    0       1       2       3       4       5       6       7
///          +-------+-------+-------+-------+-------+-------+-------+-------+
///          |   commit word: byte count + 1 |  kind | flags |extension bytes|
///          +-------+-------+-------+-------+-------+-------+-------+-------+
///
/// A commit word of zero means *not yet written*: in memory the word is stored last, with release order, and makes the
/// record visible. The byte count counts the extension and the payload behind it.
public struct RecordHeader: Hashable, Sendable {
    /// The upper half of the header word. One number, so that the plain case is one comparison.
    private var bits: UInt32

    /// What the record is.
    public var kind: Kind {
        get { Kind(rawValue: UInt8(truncatingIfNeeded: bits)) }
        set { bits = bits & ~0xff | UInt32(newValue.rawValue) }
    }

    /// How its bytes are to be read.
    public var flags: Flags {
        get { Flags(rawValue: UInt8(truncatingIfNeeded: bits >> 8)) }
        set { bits = bits & ~0xff00 | UInt32(newValue.rawValue) << 8 }
    }

    /// How many of the record's first bytes are metadata, bytes.
    public var extensionByteCount: UInt16 {
        get { UInt16(truncatingIfNeeded: bits >> 16) }
        set { bits = bits & 0xffff | UInt32(newValue) << 16 }
    }

    /// Makes a header; a plain data record by default.
    public init(kind: Kind = .data, flags: Flags = [], extensionByteCount: UInt16 = 0) {
        bits = UInt32(kind.rawValue) | UInt32(flags.rawValue) << 8 | UInt32(extensionByteCount) << 16
    }

    /// The header in a word read from a lane; any bits are a header.
    public init(word: UInt64) {
        bits = UInt32(truncatingIfNeeded: word >> 32)
    }

    /// The kinds of record. A receiver that meets one it does not know closes the link.
    public struct Kind: RawRepresentable, Hashable, Sendable {
        /// The kind's byte in the header.
        public let rawValue: UInt8
        /// A kind from its byte; any byte is accepted, unknown ones are refused where records are read.
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// A whole message.
        public static var data: Kind { Kind(rawValue: 1) }
        /// A part of a message: ``FragmentHeader``, then bytes.
        public static var fragment: Kind { Kind(rawValue: 2) }
        /// Drops the fragments of one message.
        public static var abort: Kind { Kind(rawValue: 3) }
        /// The message lies outside the lane, where the lane says.
        public static var outOfLine: Kind { Kind(rawValue: 4) }
        /// The last record on this lane; names its successor.
        public static var `switch`: Kind { Kind(rawValue: 5) }
        /// The sender has finished: eight bytes, the count of messages it sent.
        public static var finish: Kind { Kind(rawValue: 6) }
        /// Nothing; skips the rest of a ring. Lanes consume it themselves.
        public static var padding: Kind { Kind(rawValue: 7) }
    }

    /// How a record's bytes are to be read.
    public struct Flags: OptionSet, Hashable, Sendable {
        /// The bits in the header.
        public let rawValue: UInt8
        /// Flags from their bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// The payload is compressed with the link's codec.
        public static var compressed: Flags { Flags(rawValue: 1) }
        /// The compressed payload is part of the codec's history: it may refer to earlier messages, later ones to it.
        public static var history: Flags { Flags(rawValue: 2) }
        /// The codec's history starts again with this message.
        public static var reset: Flags { Flags(rawValue: 4) }
        /// What a codec has a say in.
        static var codec: Flags { [.compressed, .history, .reset] }
        /// The record begins with an extension.
        public static var `extension`: Flags { Flags(rawValue: 8) }
    }

    /// Bytes of an encoded header.
    // Computed: a constant wherever it is inlined.
    @inlinable
    @inline(__always)
    public static var byteCount: Int { 8 }
    /// The largest byte count of one record, so that count + 1 fits the commit word.
    public static let maximumByteCount = Int(UInt32.max) - 1

    /// Whether it is a whole message as it is: no flags, no extension.
    @inline(__always)
    public var isPlain: Bool { bits == 1 }

    /// The header word of a record of `byteCount` bytes.
    /// - Precondition: `byteCount` is in 0 ... ``maximumByteCount``.
    @inline(__always)
    public func word(byteCount: Int) -> UInt64 {
        UInt64(UInt32(truncatingIfNeeded: byteCount) &+ 1) | UInt64(bits) << 32
    }

    /// The header word of a whole message as it is.
    @inlinable
    @inline(__always)
    static func plainWord(byteCount: Int) -> UInt64 {
        UInt64(UInt32(truncatingIfNeeded: byteCount) &+ 1) | 1 << 32
    }

    /// Splits a header word read from a lane; `nil` when its commit word is zero: nothing is there yet.
    public static func split(_ word: UInt64) -> (header: RecordHeader, byteCount: Int)? {
        let commit = UInt32(truncatingIfNeeded: word)
        guard commit != 0 else { return nil }
        return (RecordHeader(word: word), Int(commit) - 1)
    }
}
