// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore

/// A transport whose openings fail where a test wants it; otherwise the transport it wraps.
public struct ThrowingTransport: Transport {
    private let base: any Transport
    private let role: Role
    private let step: Int
    private let error: NaruError

    /// Wraps a transport.
    /// - Parameters:
    ///   - base: What it is until it fails; it also gives the name.
    ///   - role: The end that fails.
    ///   - step: Where: 0 in `open`, n in the n-th `advance`.
    ///   - error: What is thrown there.
    public init(_ base: any Transport, failing role: Role, atStep step: Int, with error: NaruError) {
        self.base = base
        self.role = role
        self.step = step
        self.error = error
    }

    /// The wrapped transport's.
    public var name: TransportName { base.name }

    /// The wrapped transport's: what fails later looks well at first.
    public func probe() -> CapabilityRecord { base.probe() }

    /// Opens the wrapped transport, or throws.
    public func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
        guard request.role == role else { return try base.open(request) }
        if step == 0 { throw error }
        return ThrowingOpening(try base.open(request), step, error)
    }
}

private final class ThrowingOpening: Opening {
    private let base: any Opening
    private var stepsLeft: Int
    private let error: NaruError

    init(_ base: any Opening, _ step: Int, _ error: NaruError) {
        self.base = base
        stepsLeft = step
        self.error = error
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        stepsLeft -= 1
        if stepsLeft <= 0 { throw error }
        return try base.advance(event)
    }
}
