// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruStream

/// How links over Unix sockets are made.
public struct UnixSocketConfiguration: Hashable, Sendable {
    /// How small records are gathered into few system calls.
    public var stream: StreamConfiguration
    /// The kernel's buffer for each sending lane, bytes, cut by the kernel to the host's limit (`net.core.wmem_max`).
    /// It bounds how far a sender runs ahead of its receiver.
    public var sendBufferBytes: Int

    /// A configuration. The default buffer is what an unchanged host permits, which the kernel doubles: twice its own
    /// default. With it, records of 256 KiB streamed with about a third less processor time.
    public init(stream: StreamConfiguration = .init(), sendBufferBytes: Int = 212_992) {
        self.stream = stream
        self.sendBufferBytes = sendBufferBytes
    }
}
