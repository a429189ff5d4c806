// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The bounds of an in-process lane. The dialer's count; the listener takes them over.
public struct InProcessConfiguration: Sendable, Hashable {
    /// The size of a lane's ring, bytes, rounded up to a power of two; 1 KiB to 1 GiB. Copied records up to an eighth
    /// of it lie in the ring, larger ones and adopted messages beside it.
    public var ringByteCount: Int
    /// How many bytes of messages may wait beside the ring. A single message is accepted whatever its size.
    public var messageByteCapacity: Int

    /// Makes a configuration.
    /// - Precondition: both are within the bounds their properties name.
    public init(ringByteCount: Int = 256 << 10, messageByteCapacity: Int = 64 << 20) {
        precondition(
            (1024...1 << 30).contains(ringByteCount),
            "the ring's byte count must be in the range 1024...1073741824 (is \(ringByteCount))")
        precondition(
            messageByteCapacity >= 0, "the message byte capacity must not be negative (is \(messageByteCapacity))")
        self.ringByteCount = ringByteCount
        self.messageByteCapacity = messageByteCapacity
    }
}
