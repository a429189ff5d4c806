// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruStream

/// How links over TCP are made.
public struct TCPConfiguration: Hashable, Sendable {
    /// How small records are gathered into few system calls.
    public var stream: StreamConfiguration
    /// After how many seconds of silence a peer's kernel is asked whether it is still there.
    public var keepAliveSeconds: Int32
    /// How long a control connection may go unanswered before the peer counts as gone, seconds. Lanes have no such
    /// bound: a peer that is stopped takes nothing for as long as it likes.
    public var answerSeconds: Int32

    /// A configuration.
    public init(stream: StreamConfiguration = .init(), keepAliveSeconds: Int32 = 10, answerSeconds: Int32 = 20) {
        self.stream = stream
        self.keepAliveSeconds = keepAliveSeconds
        self.answerSeconds = answerSeconds
    }
}
