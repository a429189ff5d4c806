// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Cuts what is read into lines. A line is borrowed from the buffer until the next ``fill(_:)``.
struct LineBuffer {
    private var storage: [UInt8]
    /// The bytes that were read and not yet given out.
    private var pending = 0..<0
    /// How many of them are known to hold no newline.
    private var searched = 0

    /// - Parameter capacity: bytes to begin with; the buffer grows to the longest line.
    init(capacity: Int = 65_536) {
        storage = [UInt8](repeating: 0, count: max(capacity, 1))
    }

    /// Makes room and reads more. Returns `false` at the end, where `read` returns 0.
    mutating func fill(_ read: (UnsafeMutableRawBufferPointer) throws -> Int) throws -> Bool {
        if pending.lowerBound > 0 {
            storage.replaceSubrange(0..<pending.count, with: Array(storage[pending]))
            pending = 0..<pending.count
        }
        if pending.upperBound == storage.count {
            storage.append(contentsOf: [UInt8](repeating: 0, count: storage.count))
        }
        let start = pending.upperBound
        // Safe: the reader stays within the buffer it is given.
        let count = try unsafe storage.withUnsafeMutableBytes { buffer in
            unsafe try read(UnsafeMutableRawBufferPointer(rebasing: buffer[start...]))
        }
        pending = pending.lowerBound..<start + count
        return count > 0
    }

    /// Where the next whole line lies, without its newline; `nil` when more must be read first.
    mutating func next() -> Range<Int>? {
        let start = pending.lowerBound + searched
        guard let end = storage[start..<pending.upperBound].firstIndex(of: UInt8(ascii: "\n")) else {
            searched = pending.count
            return nil
        }
        defer {
            pending = end + 1..<pending.upperBound
            searched = 0
        }
        return pending.lowerBound..<end
    }

    /// After the end: the line that no newline ends, if there is one.
    mutating func last() -> Range<Int>? {
        guard !pending.isEmpty else { return nil }
        defer { pending = pending.upperBound..<pending.upperBound }
        return pending
    }

    /// The bytes of a line.
    @_lifetime(borrow self)
    borrowing func bytes(_ line: Range<Int>) -> RawSpan {
        // Unsafe for types with padding; bytes have none.
        unsafe storage.span.bytes.extracting(line)
    }
}
