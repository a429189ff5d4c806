// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What only the sender touches.
@unsafe struct SenderState {
    /// The next record's position.
    var position: UInt64 = 0
    /// Bytes sent so far.
    var bytes: UInt64 = 0
    /// The records and bytes given back, as last seen.
    var takenRecords: UInt64 = 0
    var takenBytes: UInt64 = 0
    /// The position of the first invisible record while a batch is held.
    var firstHeld: UInt64?
    var isHolding = false
    var isClosed = false
    /// The loan that is out.
    var loan: UnsafeMutableRawBufferPointer?
}

/// What only the receiver touches.
struct ReceiverState {
    /// The next record's position.
    var position: UInt64 = 0
    /// Bytes taken so far.
    var bytes: UInt64 = 0
    /// The bytes given back so far.
    var returnedBytes: UInt64 = 0
    var isDraining = false
    var isClosed = false
    /// `close()` was called inside a drain.
    var closesAfterDrain = false
}
