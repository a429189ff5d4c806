// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The bounds of an in-process lane. The dialer's count; the listener takes them over.
public struct InProcessConfiguration: Sendable, Hashable {
    /// How many records may wait in one lane, rounded up to a power of two; 1 to 1,048,576.
    public var recordCapacity: Int
    /// How many bytes may wait in one lane. A single record is accepted by an empty lane whatever its size.
    public var byteCapacity: Int

    /// Makes a configuration.
    /// - Precondition: both are within the bounds their properties name.
    public init(recordCapacity: Int = 1024, byteCapacity: Int = 64 << 20) {
        precondition(
            (1...1_048_576).contains(recordCapacity),
            "the record capacity must be in the range 1...1048576 (is \(recordCapacity))")
        precondition(byteCapacity >= 0, "the byte capacity must not be negative (is \(byteCapacity))")
        self.recordCapacity = recordCapacity
        self.byteCapacity = byteCapacity
    }
}
