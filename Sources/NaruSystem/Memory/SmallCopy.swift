// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Copies bytes into memory that another core polls.
///
/// Up to 128 bytes, all are loaded before any is stored, and the last are stored first: the reader polls the cache line
/// with the record's beginning, so that line is written last, at once with the header word that follows, and is not
/// fetched back half-way. Above that, the library's copy.
///
/// Both pieces of memory have `count` bytes and do not overlap.
// Inlinable: most copies are smaller than a call.
@inlinable
@inline(__always)
public func copyBytes(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int) {
    // Every access below lies within `count` bytes of either piece: each case covers it with two overlapping halves.
    switch count {
    case 33...64:
        let first = unsafe source.loadUnaligned(as: SIMD32<UInt8>.self)
        let last = unsafe source.loadUnaligned(fromByteOffset: count &- 32, as: SIMD32<UInt8>.self)
        unsafe target.storeBytes(of: last, toByteOffset: count &- 32, as: SIMD32<UInt8>.self)
        unsafe target.storeBytes(of: first, as: SIMD32<UInt8>.self)
    case 17...32:
        let first = unsafe source.loadUnaligned(as: SIMD16<UInt8>.self)
        let last = unsafe source.loadUnaligned(fromByteOffset: count &- 16, as: SIMD16<UInt8>.self)
        unsafe target.storeBytes(of: last, toByteOffset: count &- 16, as: SIMD16<UInt8>.self)
        unsafe target.storeBytes(of: first, as: SIMD16<UInt8>.self)
    case 8...16:
        let first = unsafe source.loadUnaligned(as: UInt64.self)
        let last = unsafe source.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
        unsafe target.storeBytes(of: last, toByteOffset: count &- 8, as: UInt64.self)
        unsafe target.storeBytes(of: first, as: UInt64.self)
    case 65...128:
        let a = unsafe source.loadUnaligned(as: SIMD32<UInt8>.self)
        let b = unsafe source.loadUnaligned(fromByteOffset: 32, as: SIMD32<UInt8>.self)
        let c = unsafe source.loadUnaligned(fromByteOffset: count &- 64, as: SIMD32<UInt8>.self)
        let d = unsafe source.loadUnaligned(fromByteOffset: count &- 32, as: SIMD32<UInt8>.self)
        unsafe target.storeBytes(of: d, toByteOffset: count &- 32, as: SIMD32<UInt8>.self)
        unsafe target.storeBytes(of: c, toByteOffset: count &- 64, as: SIMD32<UInt8>.self)
        unsafe target.storeBytes(of: b, toByteOffset: 32, as: SIMD32<UInt8>.self)
        unsafe target.storeBytes(of: a, as: SIMD32<UInt8>.self)
    default:
        unsafe target.copyMemory(from: source, byteCount: count)
    }
}
