// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// A received message borrowed in place. It is valid only inside the closure it is given to; copy what must live longer.
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
}
