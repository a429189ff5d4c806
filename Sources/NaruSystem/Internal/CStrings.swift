// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Texts as C wants a list of them: pointers to NUL-terminated bytes, and a null pointer at the end.
struct CStrings {
    private var bytes: [CChar] = []
    private var offsets: [Int] = []

    /// Throws `EINVAL` for a text that holds a NUL byte.
    init(_ texts: [String]) throws(SystemError) {
        for text in texts {
            offsets.append(bytes.count)
            bytes.append(contentsOf: try checkedPath(text, "posix_spawn").utf8.map(CChar.init(bitPattern:)))
            bytes.append(0)
        }
    }

    /// Calls `body` with the list, which is valid until it returns. C's types promise no constness; nothing is written.
    func withPointers<Result>(
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var copy = bytes
        // Safe: all offsets lie within the bytes, and the list has an element more than there are texts.
        return unsafe copy.withUnsafeMutableBufferPointer { bytes in
            var pointers: [UnsafeMutablePointer<CChar>?] = unsafe offsets.map { unsafe bytes.baseAddress! + $0 }
            unsafe pointers.append(nil)
            return unsafe pointers.withUnsafeBufferPointer { unsafe body($0.baseAddress!) }
        }
    }
}
