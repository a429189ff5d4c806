// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// A received message borrowed in place. It is valid only inside the closure it is given to; copy what must live
/// longer.
public struct MessageView: ~Escapable {
    /// The message's bytes, where the lane or the codec put them. No copy was made for this view.
    public let bytes: RawSpan
    /// The message's number on its link, from 1, without gaps.
    public let sequence: UInt64

    @_lifetime(copy bytes)
    init(bytes: RawSpan, sequence: UInt64) {
        self.bytes = bytes
        self.sequence = sequence
    }

    /// A message that a lane lends.
    // Inlinable, like the loops that lend one message after the other. The lane keeps the bytes until the loan ends,
    // which is after the closure that is given this view has returned.
    @inlinable
    @inline(__always)
    @_lifetime(immortal)
    init(_ record: LentRecord, sequence: UInt64) {
        let span = unsafe RawSpan(_unsafeStart: record.start, byteCount: record.byteCount)
        bytes = unsafe _overrideLifetime(span, copying: ())
        self.sequence = sequence
    }
}

/// Messages that a lane lends together.
@usableFromInline
@safe struct MessageRun {
    @usableFromInline let records: UnsafeMutablePointer<LentRecord>
    @usableFromInline let count: Int
    /// How many of them are still to be given: `count`, or 0 once the receiver was closed.
    @usableFromInline let limit: UnsafePointer<Int>
    /// The number of the message before the first.
    @usableFromInline let sequence: UInt64

    init(
        _ records: UnsafeMutablePointer<LentRecord>, count: Int, limit: UnsafePointer<Int>, after sequence: UInt64
    ) {
        unsafe self.records = records
        self.count = count
        unsafe self.limit = limit
        self.sequence = sequence
    }
}
