// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore

/// What a lane writes around its messages.
public enum StreamFraming: Sendable, Hashable {
    /// Naru's records, as ``StreamFormat`` says.
    case records
    /// Nothing, or newlines: for programs that know nothing of Naru.
    case raw(RawFraming)

    /// Whether nothing of Naru's own goes on the stream.
    var isRaw: Bool { self != .records }
}
