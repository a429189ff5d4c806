// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// A message that owns its bytes and can be passed on, kept, and sent without a copy.
///
/// The bytes never change after the message was made, so it may be read from several threads.
///
/// - Note: `@unchecked Sendable`: the pointer is private, written only before `init` returns, and freed once in
///   `deinit`, when nobody refers to the message any more.
@safe public final class OwnedMessage: @unchecked Sendable {
    // Immutable after init; see the note above.
    private let base: UnsafeMutableRawPointer
    /// The message's size, bytes.
    public let byteCount: Int

    /// Makes a message of `byteCount` bytes, written by `fill`. The memory starts zeroed.
    public init<E: Error>(byteCount: Int, _ fill: (inout MutableRawSpan) throws(E) -> Void) throws(E) {
        precondition(byteCount >= 0, "a message's byte count must not be negative (is \(byteCount))")
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: 16)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        unsafe self.base = memory
        self.byteCount = byteCount
        // The span ends before the message can be seen by anybody else.
        var span = unsafe MutableRawSpan(_unsafeStart: memory, byteCount: byteCount)
        try fill(&span)
    }

    /// Makes a message by copying `bytes`.
    public init(copying bytes: RawSpan) {
        let count = bytes.byteCount
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 16)
        unsafe bytes.withUnsafeBytes { source in
            if let start = source.baseAddress { unsafe memory.copyMemory(from: start, byteCount: count) }
        }
        unsafe self.base = memory
        self.byteCount = count
    }

    /// Makes a message by copying an array.
    public convenience init(_ bytes: [UInt8]) {
        unsafe self.init(copying: bytes.span.bytes)
    }

    /// Takes over memory of `byteCount` bytes, allocated with `UnsafeMutableRawPointer.allocate`; freed with the
    /// message.
    public init(adopting base: UnsafeMutableRawPointer, byteCount: Int) {
        unsafe self.base = base
        self.byteCount = byteCount
    }

    deinit {
        unsafe base.deallocate()
    }

    /// The message's bytes, borrowed.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            // The memory lives as long as self, which the borrow keeps alive.
            let span = unsafe RawSpan(_unsafeStart: base, byteCount: byteCount)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }
}

extension Array where Element == UInt8 {
    /// The bytes of a span, copied.
    public init(copying bytes: RawSpan) {
        self = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
    }
}
