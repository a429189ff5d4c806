// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru

/// The bytes that a measurement sends and reads. Made before the clock starts.
@safe struct BenchPayload: ~Copyable {
    private let memory: UnsafeMutableRawBufferPointer

    /// `size` bytes, at least 8, on a page of their own.
    init(size: Int) {
        unsafe memory = .allocate(byteCount: max(size, 8), alignment: 4_096)
        for index in unsafe memory.indices { unsafe memory[index] = UInt8(truncatingIfNeeded: index &* 31) }
    }

    deinit { unsafe memory.deallocate() }

    /// The payload with a number in its first 8 bytes, lent.
    @inline(__always)
    func withNumber<R>(_ number: UInt64, _ body: (RawSpan) throws -> R) rethrows -> R {
        stamp(number)
        return try body(bytes)
    }

    /// Puts a number in the first 8 bytes.
    @inline(__always)
    func stamp(_ number: UInt64) {
        unsafe memory.storeBytes(of: number, as: UInt64.self)
    }

    /// The payload, lent.
    @inline(__always)
    var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(memory))
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Writes a message in place: all of the payload when it is to be touched, else its number only.
    @inline(__always)
    func write(_ number: UInt64, into span: inout MutableRawSpan, touch: Bool) {
        unsafe span.withUnsafeMutableBytes { bytes in
            if touch { unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(memory)) }
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
        unsafe bytes.withUnsafeBytes { bytes in
            // Within the bytes: whole words only. Four sums, so that additions do not wait for each other.
            let words = unsafe bytes.count / 8
            var sums = (SIMD4<UInt64>.zero, SIMD4<UInt64>.zero, SIMD4<UInt64>.zero, SIMD4<UInt64>.zero)
            var word = 0
            while word &+ 16 <= words {
                let offset = word &* 8
                sums.0 &+= unsafe bytes.loadUnaligned(fromByteOffset: offset, as: SIMD4<UInt64>.self)
                sums.1 &+= unsafe bytes.loadUnaligned(fromByteOffset: offset &+ 32, as: SIMD4<UInt64>.self)
                sums.2 &+= unsafe bytes.loadUnaligned(fromByteOffset: offset &+ 64, as: SIMD4<UInt64>.self)
                sums.3 &+= unsafe bytes.loadUnaligned(fromByteOffset: offset &+ 96, as: SIMD4<UInt64>.self)
                word &+= 16
            }
            var sum = (sums.0 &+ sums.1 &+ sums.2 &+ sums.3).wrappedSum()
            while word < words {
                sum &+= unsafe bytes.loadUnaligned(fromByteOffset: word &* 8, as: UInt64.self)
                word &+= 1
            }
            return sum
        }
    }
}
