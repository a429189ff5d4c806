// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruSystem

/// A transport that breaks the plugin's side of the contract, to show that it takes no other transport with it.
public struct LyingTransport: Transport {
    /// What it does wrong.
    public enum Lie: Sendable, Hashable, CaseIterable {
        /// Its record has a record size of minus one byte.
        case recordOutOfBounds
        /// Its record is that of a transport called `memory`, and says that it is not available.
        case recordOfAnother
        /// Its opening says that it is done and yields no lanes.
        case noLanes
        /// Its lanes take records of at most 8 bytes.
        case tinyRecords
        /// Its opening sends a message of 32 KiB.
        case longMessage
        /// Its opening sends nine descriptors.
        case manyDescriptors
    }

    private let lie: Lie
    /// The name it goes by.
    public let name: TransportName

    /// Makes one.
    public init(_ lie: Lie, name: TransportName) {
        self.lie = lie
        self.name = name
    }

    /// A record that fits the lie.
    public func probe() -> CapabilityRecord {
        var record = CapabilityRecord(
            transport: name, localities: [.sameProcess], directions: [.simplex, .duplex], properties: [.confirmed])
        switch lie {
        case .recordOutOfBounds: record.maximumRecordBytes = -1
        case .recordOfAnother:
            record.transport = "memory"
            record.availability = .refused(reason: "a lie", remedy: "believe it not")
        default: break
        }
        return record
    }

    /// An opening that fits the lie.
    public func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
        LyingOpening(lie, request)
    }
}

private final class LyingOpening: Opening {
    private let lie: LyingTransport.Lie
    private let request: OpeningRequest
    private var hasSent = false

    init(_ lie: LyingTransport.Lie, _ request: OpeningRequest) {
        self.lie = lie
        self.request = request
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        defer { hasSent = true }
        switch lie {
        case .longMessage where !hasSent && request.role == .dialer:
            return .send(OpeningMessage(bytes: [UInt8](repeating: 7, count: 32_768)))
        case .manyDescriptors where !hasSent && request.role == .dialer:
            return .send(OpeningMessage(bytes: [7], descriptors: try descriptors(9)))
        case .longMessage, .manyDescriptors:
            return .receive
        case .noLanes:
            return .done(Lanes())
        default:
            return .done(
                Lanes(
                    outbound: request.sends ? TinyOutboundLane() : nil,
                    inbound: request.receives ? EmptyInboundLane() : nil))
        }
    }

    private func descriptors(_ count: Int) throws(NaruError) -> [Descriptor] {
        var result: [Descriptor] = []
        do {
            for _ in 0..<count { result.append(try EventCounter().descriptor) }
        } catch {
            throw NaruError(error, operation: "open", object: "liar")
        }
        return result
    }
}

/// Takes records of 8 bytes and drops them.
private final class TinyOutboundLane: OutboundLane {
    var maximumRecordBytes: Int { 8 }
    func reserve(_ byteCount: Int) throws(NaruError) -> UnsafeMutableRawBufferPointer? { nil }
    func commit(_ header: RecordHeader, byteCount: Int) throws(NaruError) {}
    func abort() {}
    func trySend(_ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan) throws(NaruError) -> Bool { true }
    func hold() {}
    func publish() throws(NaruError) {}
    func flush() throws(NaruError) -> Bool { true }
    func arm(_ style: WaitStyle, byteCount: Int) throws(NaruError) -> WaitTarget { .ready }
    func disarm() {}
    func close() {}
}

/// Has nothing, ever.
private final class EmptyInboundLane: InboundLane {
    func drain(_ maximum: Int, _ body: (InboundRecord) -> DrainStep) throws(NaruError) -> Int { 0 }
    func arm(_ style: WaitStyle) throws(NaruError) -> WaitTarget { .ended }
    func disarm() {}
    func close() {}
}
