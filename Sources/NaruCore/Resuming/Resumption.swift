// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// How much an endpoint that resumes keeps and how long it looks for the other end after a loss.
public struct Resumption: Sendable, Hashable {
    /// How many bytes of messages a sender keeps that are not known to be taken, at most; a larger message is kept
    /// alone. A sender that has no room waits.
    public var resumeBytes: Int
    /// How long an end looks for the other one before it gives up.
    public var patience: Duration

    /// By default 16 MiB and half a minute.
    public init(resumeBytes: Int = 16 << 20, patience: Duration = .seconds(30)) {
        self.resumeBytes = max(1, resumeBytes)
        self.patience = patience
    }

    /// Whether an error of a link may be the network's, so that the other end lives and can be found again. One that is
    /// known to have died cannot: a process that starts again knows nothing of the stream.
    static func mayComeBack(_ error: NaruError) -> Bool {
        error.code == .peerVanished || error.code == .network
    }
}
