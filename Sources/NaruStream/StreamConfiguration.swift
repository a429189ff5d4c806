// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// How a lane over a byte stream gathers small records into few system calls.
public struct StreamConfiguration: Hashable, Sendable {
    /// How many bytes of records a lane keeps before it writes them; beyond that it takes no more. At least 256.
    public var gatherBytes: Int
    /// How long a record may be kept while nobody flushes it. The timer of the reactor's thread comes on top.
    public var gatherDeadline: Duration
    /// Whether records outside a batch may be gathered. A lone record always goes out at once; what follows it within
    /// the time that one system call takes is gathered. `false`: every record outside a batch is a call of its own.
    public var gathers: Bool
    /// From how many bytes on a loan's pages are given to a pipe instead of copied into it; `nil`: never. Sockets copy.
    public var lendsPagesFrom: Int?

    /// A configuration of gathering.
    public init(
        gatherBytes: Int = 65536, gatherDeadline: Duration = .microseconds(50), gathers: Bool = true,
        lendsPagesFrom: Int? = 32768
    ) {
        self.gatherBytes = gatherBytes
        self.gatherDeadline = gatherDeadline
        self.gathers = gathers
        self.lendsPagesFrom = lendsPagesFrom
    }
}
