// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What a non-blocking read or write came to.
@frozen
public enum IOResult: Sendable, Equatable {
    /// So many bytes were moved; fewer than asked for is no error.
    case bytes(Int)
    /// Nothing was moved: nothing is there, or no room is there.
    case wouldBlock
    /// The other end has closed and everything was read. Reads only.
    case endOfFile
}
