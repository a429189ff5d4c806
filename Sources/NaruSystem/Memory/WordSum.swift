// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// Adds up memory: a way to read all of it, for measurements and checks.
public enum WordSum {
    /// The sum of the 64-bit words of `bytes`, in the host's byte order, without carry; a rest below 8 bytes is not
    /// read. O(bytes), with the widest instructions that the processor has.
    public static func of(_ bytes: RawSpan) -> UInt64 {
        unsafe bytes.withUnsafeBytes { bytes in
            // The callee reads `count` bytes and nothing else.
            unsafe naru_sum_words(bytes.baseAddress, bytes.count)
        }
    }
}
