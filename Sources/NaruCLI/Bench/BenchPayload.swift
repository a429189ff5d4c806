// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// The bytes that a measurement sends and reads. Made before the clock starts.
///
/// Small and middling messages lie in several copies which are used in turn, each numbered well before it is sent, as
/// by a program that makes its messages before it sends them: a copy that begins right behind the store of the number
/// would wait for it, and so for everything that was stored before.
@safe struct BenchPayload: ~Copyable {
    private let memory: UnsafeMutableRawPointer
    private let size: Int
    private let stride: Int
    private let mask: Int

    /// `size` bytes, at least 8, on pages of their own.
    init(size: Int) {
        self.size = max(size, 8)
        stride = (self.size + 63) & ~63
        mask = size <= 256 ? 15 : size <= 16_384 ? 1 : 0
        unsafe memory = .allocate(byteCount: stride * (mask + 1), alignment: 4_096)
        for index in 0..<stride * (mask + 1) {
            unsafe memory.storeBytes(of: UInt8(truncatingIfNeeded: index &* 31), toByteOffset: index, as: UInt8.self)
        }
        for number in 0...mask { stamp(UInt64(number)) }
    }

    deinit { unsafe memory.deallocate() }

    /// The payload with a number in its first 8 bytes, lent. Numbers come one after the other.
    @inline(__always)
    func withNumber<R>(_ number: UInt64, _ body: (RawSpan) throws -> R) rethrows -> R {
        prepare(number)
        return try body(bytes(number))
    }

    /// Numbers the message that is due when half of the copies have been sent.
    @inline(__always)
    func prepare(_ number: UInt64) {
        stamp(number &+ UInt64((mask + 1) / 2))
    }

    /// Puts a number in the first 8 bytes of its copy.
    @inline(__always)
    private func stamp(_ number: UInt64) {
        unsafe copy(number).storeBytes(of: number, as: UInt64.self)
    }

    @inline(__always)
    private func copy(_ number: UInt64) -> UnsafeMutableRawPointer {
        // One of the copies, by the mask.
        unsafe memory + (Int(truncatingIfNeeded: number) & mask) &* stride
    }

    /// The message of a number, lent.
    @inline(__always)
    @_lifetime(borrow self)
    func bytes(_ number: UInt64) -> RawSpan {
        let span = unsafe RawSpan(_unsafeStart: copy(number), byteCount: size)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Writes a message in place: all of the payload when it is to be touched, else its number only.
    @inline(__always)
    func write(_ number: UInt64, into span: inout MutableRawSpan, touch: Bool) {
        unsafe span.withUnsafeMutableBytes { bytes in
            if touch { unsafe bytes.baseAddress?.copyMemory(from: memory, byteCount: min(size, bytes.count)) }
            unsafe bytes.storeBytes(of: number, as: UInt64.self)
        }
    }

    /// The number in a message's first 8 bytes.
    @inline(__always)
    static func number(_ bytes: RawSpan) -> UInt64 {
        // Every message of a measurement has at least 8 bytes.
        unsafe bytes.unsafeLoadUnaligned(as: UInt64.self)
    }

    /// The sum of a message's 8-byte words: reads every one of them.
    @inline(__always)
    static func sum(_ bytes: RawSpan) -> UInt64 {
        guard bytes.byteCount <= 128 else { return WordSum.of(bytes) }
        // In bounds: whole words only.
        var sum: UInt64 = 0
        var offset = 0
        while offset &+ 8 <= bytes.byteCount {
            sum &+= unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            offset &+= 8
        }
        return sum
    }
}
