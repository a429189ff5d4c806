// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// How the bytes of a stream to or from a program that knows nothing of Naru are cut into messages.
public enum RawFraming: String, CaseIterable, Sendable, Hashable {
    /// Not at all: a sender's messages follow each other without a trace, and a receiver is given what has come, in
    /// pieces that mean nothing.
    case bytes
    /// A message is a line: a newline is written behind each, and none is part of one. What follows the last newline is
    /// a message too.
    case lines
}
