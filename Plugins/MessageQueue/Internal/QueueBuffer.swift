// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// Whether messages of a queue are Naru's records or another program's bytes.
enum QueueFraming: Sendable {
    case records, raw

    /// Bytes before the payload of each message.
    var headerBytes: Int { self == .records ? RecordHeader.byteCount : 0 }
}

/// Private memory for one message of a queue.
///
///      byte    0               8               16
///          +---------------+---------------+---------------
///     records | place of a type | record header | payload …
///          +---------------+---------------+---------------
///     raw     |   not used      | place of type | payload …
///          +---------------+---------------+---------------
///
/// System V's type stands in the eight bytes before the message, where the kernel wants it; a POSIX queue passes them
/// over.
// Safe: every access below lies within the memory, whose size `ensure` has checked.
@safe final class QueueBuffer {
    private var base: UnsafeMutableRawPointer
    /// The payload's most bytes.
    private(set) var capacity: Int
    let framing: QueueFraming

    private static let payloadOffset = 16

    init(_ framing: QueueFraming, capacity: Int) {
        self.framing = framing
        self.capacity = capacity
        unsafe base = .allocate(byteCount: Self.payloadOffset + capacity, alignment: 16)
    }

    deinit {
        unsafe base.deallocate()
    }

    /// A buffer of its own with the same message.
    func copy(_ byteCount: Int) -> QueueBuffer {
        let copy = QueueBuffer(framing, capacity: byteCount)
        unsafe copy.message(byteCount).copyMemory(from: UnsafeRawBufferPointer(message(byteCount)))
        return copy
    }

    /// Makes room for a payload; what lies there is lost when it has to grow, or can shrink a lot.
    func ensure(_ byteCount: Int, usual: Int) {
        let isOversized = capacity > 1 << 20 && byteCount <= usual
        guard byteCount > capacity || isOversized else { return }
        capacity = max(byteCount, usual)
        unsafe base.deallocate()
        unsafe base = .allocate(byteCount: Self.payloadOffset + capacity, alignment: 16)
    }

    /// The payload's bytes from an offset on, 16-byte aligned at 0; valid until the buffer changes its size.
    func payload(_ byteCount: Int, at offset: Int = 0) -> UnsafeMutableRawBufferPointer {
        precondition(offset >= 0 && byteCount >= 0 && byteCount <= capacity - offset, "a payload within the buffer")
        return unsafe UnsafeMutableRawBufferPointer(start: base + Self.payloadOffset + offset, count: byteCount)
    }

    /// The place of the type and the message behind it, for a payload of so many bytes.
    func message(_ byteCount: Int) -> UnsafeMutableRawBufferPointer {
        precondition(byteCount >= 0 && byteCount <= capacity, "a message within the buffer")
        let offset = Self.payloadOffset - framing.headerBytes - SystemVQueue.typeBytes
        let count = Self.payloadOffset - offset + byteCount
        return unsafe UnsafeMutableRawBufferPointer(start: base + offset, count: count)
    }

    /// The header word of a record.
    var headerWord: UInt64 {
        get { UInt64(littleEndian: unsafe base.load(fromByteOffset: 8, as: UInt64.self)) }
        set { unsafe base.storeBytes(of: newValue.littleEndian, toByteOffset: 8, as: UInt64.self) }
    }

    /// Copies bytes into the payload.
    func write(_ bytes: RawSpan, at offset: Int) {
        precondition(offset >= 0 && offset + bytes.byteCount <= capacity, "bytes within the buffer")
        unsafe bytes.withUnsafeBytes { source in
            guard let start = source.baseAddress, source.count > 0 else { return }
            unsafe (base + Self.payloadOffset + offset).copyMemory(from: start, byteCount: source.count)
        }
    }

    /// A word of the payload.
    func word(at offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset + 8 <= capacity, "a word within the buffer")
        let place = Self.payloadOffset + offset
        return UInt64(littleEndian: unsafe base.loadUnaligned(fromByteOffset: place, as: UInt64.self))
    }

    func setWord(_ word: UInt64, at offset: Int) {
        precondition(offset >= 0 && offset + 8 <= capacity, "a word within the buffer")
        unsafe base.storeBytes(of: word.littleEndian, toByteOffset: Self.payloadOffset + offset, as: UInt64.self)
    }
}
