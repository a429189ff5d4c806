// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore

/// A transport that changes records on their way out, as a peer that breaks the protocol would.
public struct TamperingTransport: Transport {
    /// What becomes of a record: another header, other bytes.
    public typealias Tamper = @Sendable (RecordHeader, [UInt8]) -> (header: RecordHeader, bytes: [UInt8])

    private let base: any Transport
    private let tamper: Tamper

    /// Wraps a transport; every record that either end sends passes `tamper`.
    public init(_ base: any Transport, _ tamper: @escaping Tamper) {
        self.base = base
        self.tamper = tamper
    }

    /// The wrapped transport's.
    public var name: TransportName { base.name }

    /// The wrapped transport's.
    public func probe() -> CapabilityRecord { base.probe() }

    /// Opens the wrapped transport.
    public func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
        TamperingOpening(try base.open(request), tamper)
    }
}

private final class TamperingOpening: Opening {
    private let base: any Opening
    private let tamper: TamperingTransport.Tamper

    init(_ base: any Opening, _ tamper: @escaping TamperingTransport.Tamper) {
        self.base = base
        self.tamper = tamper
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        let step = try base.advance(event)
        guard case .done(var lanes) = step else { return step }
        lanes.outbound = lanes.outbound.map { TamperingLane($0, tamper) }
        return .done(lanes)
    }
}

/// Copies everything, so that there is something to change.
private final class TamperingLane: OutboundLane {
    private let base: any OutboundLane
    private let tamper: TamperingTransport.Tamper

    init(_ base: any OutboundLane, _ tamper: @escaping TamperingTransport.Tamper) {
        self.base = base
        self.tamper = tamper
    }

    var maximumRecordBytes: Int { base.maximumRecordBytes }

    func trySend(_ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan) throws(NaruError) -> Bool {
        let changed = tamper(header, [UInt8](copying: prefix) + [UInt8](copying: bytes))
        return try base.trySend(changed.header, OwnedMessage(changed.bytes))
    }

    func trySend(_ header: RecordHeader, adopting message: OwnedMessage) throws(NaruError) -> Bool {
        try trySend(header, message)
    }

    func reserve(_ byteCount: Int) throws(NaruError) -> UnsafeMutableRawBufferPointer? {
        unsafe try base.reserve(byteCount)
    }

    func commit(_ header: RecordHeader, byteCount: Int) throws(NaruError) {
        try base.commit(tamper(header, []).header, byteCount: byteCount)
    }

    func abort() { base.abort() }
    func hold() { base.hold() }
    func publish() throws(NaruError) { try base.publish() }
    func flush() throws(NaruError) -> Bool { try base.flush() }
    func arm(_ style: WaitStyle, byteCount: Int) throws(NaruError) -> WaitTarget {
        try base.arm(style, byteCount: byteCount)
    }
    func disarm() { base.disarm() }
    func close() { base.close() }
}
