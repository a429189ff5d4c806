// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

extension Runtime {
    /// Dials `address` and sends a stream of messages to a ``ResumingReceiver`` there, over as many links as it takes.
    /// - Parameters:
    ///   - address: where the receiver listens.
    ///   - request: what this end asks of the links, which are duplex.
    ///   - policy: what is kept, and for how long a lost receiver is looked for.
    ///   - deadline: until when to wait for the receiver at first.
    /// - Throws: as ``sender(_:_:deadline:)``.
    public func resumingSender(
        _ address: Address, _ request: LinkRequest = LinkRequest(), policy: Resumption = Resumption(),
        deadline: Deadline = .after(.seconds(30))
    ) async throws(NaruError) -> sending ResumingSender {
        let sender = ResumingSender(self, address, request, policy)
        try await sender.connect(deadline: deadline)
        return sender
    }

    /// Listens at `address` for a ``ResumingSender``; ``ResumingReceiver/receive(deadline:_:)`` waits for it.
    /// - Throws: as ``listener(_:_:)``.
    public func resumingReceiver(
        _ address: Address, _ request: LinkRequest = LinkRequest(), policy: Resumption = Resumption()
    ) throws(NaruError) -> sending ResumingReceiver {
        ResumingReceiver(try listener(address, request.duplex), policy)
    }
}
