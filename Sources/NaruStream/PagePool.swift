// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

// Safe: the memory leaves as a loan, whose contract is the lane's, and as what a system call reads; every access is in
// bounds, as shown there.
/// Memory whose pages a pipe is given instead of copies of their bytes (`vmsplice`): loans of one lane, one behind the
/// other, round and round.
///
///      0        released          lent to the pipe        tail         capacity
///      |  free  |  . . . . . . .  record record record  |   free      |
///
/// **Why a page may be written again.** A pipe that was given a page shows whoever reads it what the page holds at that
/// time. So bytes are written again only when they have been read: the bytes that ever went into the pipe, less those
/// in it now (`FIONREAD`), have been taken out, in order. The kernel counts a byte down under the pipe's lock, after it
/// has copied it to the reader; a reader of Naru's only ever calls `read`, which copies, never `splice` or `tee`, which
/// would keep the page. The lane is the pipe's only writer. Until then nobody but the lane holds the memory: the loan
/// ended with the closure that wrote it, and the next begins elsewhere.
///
/// A peer that is not what it says could keep a page and watch later messages through it: those that it is sent anyway.
/// Pages are never given away (`SPLICE_F_GIFT`), and stay readable in the pipe after this memory is unmapped or this
/// process has ended. A forked child's copy changes nothing: whoever writes a shared page first gets another.
@safe
final class PagePool {
    private let memory: Mapping
    let capacity: Int
    /// Positions that never wrap: everything below `head` is free again, everything from `tail` on is too.
    private var head = 0
    private var tail = 0
    /// The loan that is out begins here.
    private var loanBegin = 0
    /// Records lent to the pipe, in order: where each ends here, and on the stream.
    private var lent: [(end: Int, streamEnd: UInt64)] = []
    private var firstLent = 0

    /// Bytes in front of each loan: for the padding of the record before, and the header.
    static let leadBytes = 64
    private static let alignment = 64

    /// Memory of at least `byteCount` bytes.
    init(byteCount: Int) throws(SystemError) {
        let page = HostInformation.pageBytes
        capacity = (byteCount + page - 1) / page * page
        memory = try Mapping(privateByteCount: capacity, wipeOnFork: false)
    }

    /// Whether a loan of so many bytes can ever be had.
    func canHold(_ byteCount: Int) -> Bool { Self.leadBytes + byteCount + Self.alignment <= capacity }

    /// Lends memory; `nil` while the pipe holds too much of it. Nothing is lent that is in use: one loan is out at a
    /// time.
    func reserve(_ byteCount: Int) -> UnsafeMutableRawBufferPointer? {
        let size = (Self.leadBytes + byteCount + Self.alignment - 1) & ~(Self.alignment - 1)
        var begin = tail
        let offset = begin % capacity
        // In one piece: what is left before the end is passed over.
        if offset + size > capacity { begin += capacity - offset }
        guard begin + size - head <= capacity else { return nil }
        loanBegin = begin
        // In bounds: begin % capacity + size ≤ capacity.
        return unsafe UnsafeMutableRawBufferPointer(
            start: memory.base + begin % capacity + Self.leadBytes, count: byteCount)
    }

    /// Puts `padding` zeros and a record's header in front of the loan; the record lies there, as it is to be written.
    /// - Parameter streamBegin: How many bytes go into the pipe before it.
    func record(
        _ header: RecordHeader, padding: Int, byteCount: Int, at streamBegin: UInt64
    ) -> UnsafeRawBufferPointer {
        let payload = loanBegin % capacity + Self.leadBytes
        let begin = payload - RecordHeader.byteCount - padding
        // In bounds: the lead has room for both, padding being less than a word.
        unsafe (memory.base + payload - 2 * RecordHeader.byteCount).storeBytes(of: 0, as: UInt64.self)
        unsafe (memory.base + payload - RecordHeader.byteCount).storeBytes(
            of: header.word(byteCount: byteCount).littleEndian, as: UInt64.self)
        let size = padding + RecordHeader.byteCount + byteCount
        tail = loanBegin + ((Self.leadBytes + byteCount + Self.alignment - 1) & ~(Self.alignment - 1))
        lent.append((tail, streamBegin + UInt64(size)))
        return unsafe UnsafeRawBufferPointer(start: memory.base + begin, count: size)
    }

    /// So many bytes have been read from the pipe since the lane began.
    func release(readBytes: UInt64) {
        while firstLent < lent.count, lent[firstLent].streamEnd <= readBytes {
            head = lent[firstLent].end
            firstLent += 1
        }
        if firstLent == lent.count {
            // Nothing is in use: begin again at the front, which is warm.
            (head, tail) = (0, 0)
            lent.removeAll(keepingCapacity: true)
            firstLent = 0
        } else if firstLent > 64 {
            lent.removeFirst(firstLent)
            firstLent = 0
        }
    }

    /// Whether the pipe may still hold some of it.
    var isInUse: Bool { firstLent < lent.count }
}
