// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What only the sender touches.
@unsafe struct SenderState {
    /// Where the next record, or the wrap before it, begins.
    var position: UInt64 = 0
    /// Bytes of messages sent beside the ring so far.
    var messageBytes: UInt64 = 0
    /// The position and the bytes given back, as last seen.
    var returnedPosition: UInt64 = 0
    var returnedMessageBytes: UInt64 = 0
    /// Of a held batch: where its first record begins, and the word that will show it.
    var held: (position: UInt64, word: UInt64)?
    var isHolding = false
    var isClosed = false
    /// The loan that is out, and where its record begins.
    var loan: UnsafeMutableRawBufferPointer?
    var loanStart: UInt64 = 0
}

/// What only the receiver touches.
struct ReceiverState {
    /// Where the next record, or the wrap before it, begins.
    var position: UInt64 = 0
    /// Bytes of messages taken beside the ring so far.
    var messageBytes: UInt64 = 0
    var isDraining = false
    var isClosed = false
    /// `close()` was called inside a drain.
    var closesAfterDrain = false
}
