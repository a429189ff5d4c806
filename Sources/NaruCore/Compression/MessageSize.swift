// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The size of a message before compression, as it stands before the codec's bytes of a message with history: seven
/// bits a byte, least significant first; a byte of 128 and more is followed by another. No size has two forms.
enum MessageSize {
    /// The most bytes a size takes.
    static let maximumByteCount = 9

    /// How many bytes a size takes. Sizes are below 2^62.
    static func byteCount(of size: Int) -> Int {
        var (count, rest) = (1, size >> 7)
        while rest > 0 {
            count += 1
            rest >>= 7
        }
        return count
    }

    /// Writes a size to the first ``byteCount(of:)`` bytes of `output`.
    static func store(_ size: Int, to output: UnsafeMutableRawBufferPointer) {
        var (index, rest) = (0, size)
        while rest > 127 {
            unsafe output[index] = UInt8(truncatingIfNeeded: rest) | 128
            rest >>= 7
            index += 1
        }
        unsafe output[index] = UInt8(truncatingIfNeeded: rest)
    }

    /// Reads a size and how many bytes it took; `nil` when there is none, or not in its one form.
    static func load(_ input: UnsafeRawBufferPointer) -> (size: UInt64, byteCount: Int)? {
        var size: UInt64 = 0
        for index in 0..<min(input.count, maximumByteCount) {
            let byte = unsafe input[index]
            size |= UInt64(byte & 127) << UInt64(7 * index)
            guard byte & 128 == 0 else { continue }
            return byte == 0 && index > 0 ? nil : (size, index + 1)
        }
        return nil
    }
}
