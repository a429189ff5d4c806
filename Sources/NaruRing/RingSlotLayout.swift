// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore

/// Where everything lies in the memories of a slot, and who writes it with which memory order.
///
/// A record that a ring cannot carry lies in a *slot*, and the ring refers to it, in order, by an `outOfLine` record.
/// Each slot is two memories of its own, made by the writer when it first needs them, so that no offset can be forged:
/// a record always begins at the same place of its slot.
///
///     data memory: the writer reads and writes, the reader only reads
///
///          0   +--------------------------------------------------+
///              | nothing                                          |
///       1024   +--------------------------------------------------+
///              | the record's bytes, up to `slotBytes`            |  writer, plain, before the header word of the
///              |                                                  |  `outOfLine` record, which releases them
///              +--------------------------------------------------+
///       4096 + slotBytes
///
/// Not at the beginning of a page, because the memory that messages are copied from often begins there: copies between
/// places of like low bits of their addresses are a quarter slower.
///
///     control memory, 4096 bytes: both ends read and write
///
///          0   +--------------------------------------------------+
///              | released use, UInt64: the reader is done with    |  reader, release; then a fence and the look at
///              | what the slot held then; 0: nothing yet          |  the ring's word "writer armed"
///       4096   +--------------------------------------------------+
///
///     the bytes of an `outOfLine` record in the ring
///
///          0   +--------------------------------------------------+
///              | the slot's number: that of its offer, UInt64     |  writer, plain, before the header word
///          8   | use: counts the lane's records in slots, from 1  |
///         16   | header word of the record that lies in the slot  |
///         24   +--------------------------------------------------+
///
/// A slot is free when its word holds its last use, which the writer knows by itself. Slots are so released in any
/// order, and a word is only ever compared: a reader that writes anything else there loses the slot, or spoils what it
/// has not read yet. The writer's number and header word are looked up and checked against the slot's size by the
/// reader.
///
/// A writer that waits for a slot arms the word of the ring that it writes to. A reader that goes on in another ring
/// looks at that ring's word: what it released just before may be what the writer waits for there.
public enum RingSlotLayout {
    /// The sizes of slots, bytes: from twice what the largest ring carries that is chosen by itself. Up to there rings
    /// are as fast or faster; above 16 MiB go fragments, whose reading goes on while others are written.
    public static let slotBytes = [1 << 22, 1 << 23, 1 << 24]

    /// The most slots of a size that a lane has: one is filled while another is read, and one lies between. Two of the
    /// largest already fill the cache that both ends share, and a third makes them slower.
    public static func slotCount(slotBytes: Int) -> Int { slotBytes < 1 << 24 ? 3 : 2 }

    /// The most memory in slots that a lane has, bytes; a reader maps no more.
    public static let maximumBytes = slotBytes.reduce(0) { $0 + $1 * slotCount(slotBytes: $1) }
    /// The size of the control memory of a slot, bytes.
    public static let controlByteCount = 4096

    /// Where a record begins in the data memory.
    static let recordOffset = 1024
    /// Where the reader says what it released, in the control memory.
    static let releasedOffset = 0

    /// Whether a slot may have this size.
    public static func isValid(slotBytes size: Int) -> Bool { slotBytes.contains(size) }

    /// The size of the data memory of a slot, bytes.
    public static func dataByteCount(slotBytes: Int) -> Int { 4096 + slotBytes }

    /// The size of the smallest slots that hold so many bytes; `nil` above the largest.
    static func slotBytes(holding byteCount: Int) -> Int? { slotBytes.first { $0 >= byteCount } }
}

/// What an `outOfLine` record says: where a record lies, and what it is. ``RingSlotLayout`` draws it.
struct RingSlotReference: Equatable {
    static let byteCount = 24

    var slot: UInt64
    var use: UInt64
    var header: RecordHeader
    var recordBytes: Int

    init(slot: UInt64, use: UInt64, header: RecordHeader, recordBytes: Int) {
        self.slot = slot
        self.use = use
        self.header = header
        self.recordBytes = recordBytes
    }

    /// Checks three words that a writer wrote; `nil` when they describe no record that may lie in a slot.
    init?(slot: UInt64, use: UInt64, word: UInt64) {
        guard let (header, recordBytes) = RecordHeader.split(word), recordBytes >= Int(header.extensionByteCount)
        else { return nil }
        switch header.kind {
        case .data, .fragment, .abort, .finish: break
        default: return nil
        }
        self.init(slot: slot, use: use, header: header, recordBytes: recordBytes)
    }

    /// The header word of the record that lies in the slot.
    var word: UInt64 { header.word(byteCount: recordBytes) }
}
