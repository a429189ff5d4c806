// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore

// Safe: the memory leaves only as the pointer that a system call reads; every access is in bounds, as shown there.
/// The bytes of a stream that were accepted and not yet written, in order, with the padding between records.
///
///      base        head            tail            capacity
///        |  written  |  to be written |     free      |
///
/// Room is made by moving what is left to the front, and by growing where that is not enough. It is a class so that its
/// fields are plain memory for whoever uses it, without checks for exclusive access.
@safe
final class GatherBuffer {
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private var head = 0
    private var tail = 0
    /// Padding due before the next header.
    private var padding = 0
    /// What every record takes up besides its bytes and its padding.
    private let overhead: Int
    private let isRaw: Bool

    init(capacity: Int, framing: StreamFraming = .records) {
        isRaw = framing.isRaw
        overhead =
            switch framing {
            case .records: RecordHeader.byteCount
            case .raw(.bytes): 0
            case .raw(.lines): 1
            }
        self.capacity = capacity
        unsafe base = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        unsafe base.deallocate()
    }

    /// How many bytes are to be written.
    var count: Int { tail - head }

    /// What is to be written; valid until the next change.
    var bytes: UnsafeRawBufferPointer {
        // In bounds: head ≤ tail ≤ capacity always.
        unsafe UnsafeRawBufferPointer(start: base + head, count: tail - head)
    }

    /// Padding due before the next record.
    var paddingDue: Int { padding }

    /// A record of so many bytes went out past this buffer, and the padding due before it.
    func pass(recordBytes: Int) {
        padding = StreamFormat.padding(after: recordBytes)
    }

    /// A place to return to with ``takeBack(_:to:)``.
    var mark: Int { padding }

    /// How many bytes a record of `byteCount` bytes takes up, padding and header included.
    @inline(__always)
    func room(forRecord byteCount: Int) -> Int { padding + overhead + byteCount }

    /// Appends the padding due, a record's header, and its prefix; `byteCount` bytes of payload are to follow.
    @inline(__always)
    func append(_ header: RecordHeader, _ prefix: RawSpan, _ byteCount: Int) {
        if isRaw { return append(prefix) }
        let recordBytes = prefix.byteCount + byteCount
        makeRoom(2 * RecordHeader.byteCount)
        // In bounds: two words are free. The first is zeroed so that as padding it tells the peer nothing.
        unsafe (base + tail).storeBytes(of: 0, as: UInt64.self)
        tail += padding
        unsafe (base + tail).storeBytes(of: header.word(byteCount: recordBytes).littleEndian, as: UInt64.self)
        tail += RecordHeader.byteCount
        padding = StreamFormat.padding(after: recordBytes)
        if prefix.byteCount > 0 { append(prefix) }
    }

    /// Appends bytes of a record.
    @inline(__always)
    func append(_ bytes: RawSpan) {
        makeRoom(bytes.byteCount)
        unsafe bytes.withUnsafeBytes { source in
            if let start = source.baseAddress {
                // In bounds: as many bytes are free.
                unsafe (base + tail).copyMemory(from: start, byteCount: source.count)
            }
        }
        tail += bytes.byteCount
    }

    /// Ends a record whose bytes were appended.
    @inline(__always)
    func endRecord() {
        if isRaw, overhead == 1 { append(Self.newline) }
    }

    private func append(_ byte: UInt8) {
        makeRoom(1)
        // In bounds: a byte is free.
        unsafe (base + tail).storeBytes(of: byte, as: UInt8.self)
        tail += 1
    }

    private static let newline = UInt8(ascii: "\n")

    /// Takes back the last `count` bytes, which begin where `mark` was read.
    func takeBack(_ count: Int, to mark: Int) {
        tail -= count
        padding = mark
    }

    /// Forgets the first `count` bytes: they were written.
    func drop(_ count: Int) {
        head += count
        if head == tail {
            head = 0
            tail = 0
        }
    }

    /// Forgets everything and frees the memory, but for what an address needs.
    func clear() {
        head = 0
        tail = 0
        capacity = 16
        unsafe base.deallocate()
        unsafe base = .allocate(byteCount: capacity, alignment: 16)
    }

    /// Makes `byteCount` bytes free behind the tail.
    @inline(__always)
    private func makeRoom(_ byteCount: Int) {
        if tail + byteCount > capacity { moveOrGrow(byteCount) }
    }

    @inline(never)
    private func moveOrGrow(_ byteCount: Int) {
        let kept = count
        // In bounds, in both cases: kept ≤ capacity.
        if kept + byteCount <= capacity {
            unsafe base.copyMemory(from: base + head, byteCount: kept)
        } else {
            // Doubled, so that a lane which gathers much has moved each byte once or twice by then, and one that does
            // not costs no more memory than it uses.
            capacity = (max(kept + byteCount, 2 * capacity) + 4095) & ~4095
            let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
            unsafe larger.copyMemory(from: base + head, byteCount: kept)
            unsafe base.deallocate()
            unsafe base = larger
        }
        head = 0
        tail = kept
    }
}
