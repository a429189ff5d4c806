// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore

/// Where everything lies in the two memories of a ring, and who writes it with which memory order.
///
/// A ring carries records one way, from one writer to one reader. It lies in two memories, so that the reader can hold
/// its records read-only:
///
///     data memory: the writer reads and writes, the reader only reads
///
///     offset
///          0   +--------------------------------------------------+
///              | RingHeader, 56 bytes                             |  writer, before the reader maps; then constant
///        128   +--------------------------------------------------+
///              | writer closed, UInt32: 0 no, 1 yes               |  writer, sequentially consistent
///        512   +--------------------------------------------------+
///              | the ring, `ringBytes` bytes: records             |  writer; see below
///              +--------------------------------------------------+
///
///     control memory, 4096 bytes: both ends read and write; each word is a hint, or is checked before it is used
///
///          0   +--------------------------------------------------+
///              | consumer cursor, UInt64: everything before this  |  reader, release; then a fence
///              | position is released                             |
///        128   +--------------------------------------------------+
///              | reader armed, UInt32: 0 no, 1 sleeps in a futex  |  reader arms (sequentially consistent); whoever
///              | on this word, 2 waits for its bell               |  wakes it exchanges it for 0 first
///              | reader's core + 1, UInt32; 0: not known          |  reader, relaxed: a hint
///              | reader covers, UInt32: 0 no, 1 the writer needs  |  reader, relaxed; 0 is followed by a fence that it
///              | no fence behind a commit (see ArmedWord)         |  imposes on the writer
///        256   +--------------------------------------------------+
///              | writer armed, UInt32: as above, for room         |  writer arms; likewise
///              | writer's core + 1, UInt32; 0: not known          |  writer, relaxed: a hint
///              | 0                                                |  nobody
///              | writer's process registered, UInt32: 1 fences    |  writer, relaxed; once
///              | can be imposed on it                             |
///        384   +--------------------------------------------------+
///              | reader closed, UInt32: 0 no, 1 yes               |  reader, sequentially consistent
///       4096   +--------------------------------------------------+
///
/// The words of the two ends stand 128 bytes apart, since processors fetch cache lines in pairs.
///
/// Positions are 64-bit byte counts since the ring began; the place of a position in the ring is its remainder by
/// `ringBytes`, a power of two. Each end keeps its own position to itself: what lies in memory is for the other end.
///
///     a record, at a position that is a multiple of 8
///
///          0   +--------------------------------------------------+
///              | header word (see RecordHeader); 0: nothing yet   |  the first of a batch: release, last of all, then
///              |                                                  |  a fence or the reader's cover; the others: relaxed
///          8   +--------------------------------------------------+
///              | payload, then bytes without meaning: up to 7, or |  plain, before the header word of its batch
///              | up to 63 behind a large one (see RecordRoom)     |
///              +--------------------------------------------------+
///
/// Before it commits, the writer zeroes the header word *after* its last record, so that the reader finds either
/// nothing or a record there and nobody cleans up behind it. A record therefore needs room for itself and 8 bytes
/// more. A record is never split: where it does not fit before the ring's end, a padding record fills the rest and it
/// starts at the ring's beginning. A padding record below a cache line may also stand before a large record, whose
/// payload then begins on one. Padding never follows padding.
///
/// A writer that goes on in a larger ring puts a `switch` record behind its last one: eight bytes, the number of the
/// ring's offer, least significant byte first. The reader was given that ring before, and begins at its beginning.
///
/// What a ring cannot carry lies in a slot, to which an `outOfLine` record refers: ``RingSlotLayout``.
///
/// The layout has the version ``version``, which stands in the header and is checked before anything else is read.
/// Whoever changes an offset, a size, a meaning or a memory order raises it.
public enum RingLayout {
    /// The version of this layout.
    public static let version: UInt32 = 6
    /// The smallest ring, bytes.
    public static let minimumRingBytes = 4096
    /// The largest ring, bytes: 64 MiB, so that a peer cannot make this end map more than that.
    public static let maximumRingBytes = 1 << 26
    /// The size of a control memory, bytes.
    public static let controlByteCount = 4096

    /// Where the ring begins in the data memory, bytes: not on a page, for the reason that ``RingSlotLayout`` gives.
    /// glibc copies backwards to what lies up to 255 bytes behind the source, modulo a page.
    static let ringOffset = 512
    /// Where the writer says that it closed, in the data memory.
    static let writerClosedOffset = 128
    /// Where the reader says how far it released, in the control memory.
    static let cursorOffset = 0
    /// Where the reader arms, in the control memory.
    static let readerArmedOffset = 128
    /// Where the writer arms, in the control memory.
    static let writerArmedOffset = 256
    /// Where the reader says that it closed, in the control memory.
    static let readerClosedOffset = 384

    /// Whether a ring may have this size: a power of two within the bounds.
    public static func isValid(ringBytes: Int) -> Bool {
        ringBytes >= minimumRingBytes && ringBytes <= maximumRingBytes && ringBytes & (ringBytes - 1) == 0
    }

    /// How many bytes of padding at `offset` make the payload of the record behind it begin on a cache line.
    static func alignmentPadding(_ offset: Int) -> Int {
        (64 - RecordHeader.byteCount - offset) & 63
    }

    /// The smallest ring that holds so many bytes, within the bounds.
    public static func ringBytes(holding byteCount: Int) -> Int {
        var ringBytes = minimumRingBytes
        while ringBytes < byteCount, ringBytes < maximumRingBytes { ringBytes *= 2 }
        return ringBytes
    }

    /// The size of the data memory of a ring, bytes.
    /// - Precondition: `ringBytes` is valid.
    public static func dataByteCount(ringBytes: Int) -> Int {
        ringOffset + ringBytes
    }

    /// The most bytes one record may have in a ring of this size.
    ///
    /// A quarter, so that a record fits an empty ring wherever its position happens to be: with padding before it, it
    /// takes at most twice its own room.
    public static func maximumRecordBytes(ringBytes: Int) -> Int {
        ringBytes / 4
    }

    /// The most bytes of a padding record in a ring of this size: it fills what is too small for the largest record.
    static func maximumPaddingBytes(ringBytes: Int) -> Int {
        RecordRoom.stride(maximumRecordBytes(ringBytes: ringBytes)) &- 8 &- RecordHeader.byteCount
    }
}
