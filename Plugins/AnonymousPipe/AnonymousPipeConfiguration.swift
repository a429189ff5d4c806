// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruStream

/// How links over anonymous pipes are made.
public struct AnonymousPipeConfiguration: Hashable, Sendable {
    /// How small records are gathered into few system calls.
    public var stream: StreamConfiguration
    /// How many bytes each pipe holds, rounded up by the kernel to a power of two of pages. It bounds how far a sender
    /// runs ahead of its receiver. Where the host permits less (`fs.pipe-max-size`, `fs.pipe-user-pages-soft`), the
    /// pipe stays as the kernel made it, and carries everything all the same.
    public var capacityBytes: Int

    /// A configuration. The default capacity is that of one large record: four times the kernel's own default, of
    /// which an ordinary user may have 256 on an unchanged host.
    public init(stream: StreamConfiguration = .init(), capacityBytes: Int = 262_144) {
        self.stream = stream
        self.capacityBytes = capacityBytes
    }
}
