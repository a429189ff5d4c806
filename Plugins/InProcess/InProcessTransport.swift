// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore

/// Carries messages between two ends that live in one process: the same code as a monolith.
///
/// A message sent by adoption is moved: no copy, no system call, the receiver gets the very object. Other records are
/// copied once, small ones into a ring, larger ones into a message of their own, which the receiver may keep; a loan is
/// that memory. A sleeping reader is woken by its own bell or a futex; nothing else enters the kernel.
///
/// Two ends prove that they share a process by meeting in a table of the process: what the dialer puts there under a
/// random token, only an end with the same table can take. Two copies of the library in one process, or a child made by
/// `fork`, have tables of their own and refuse each other.
public struct InProcessTransport: Transport {
    /// The bounds of the lanes.
    public let configuration: InProcessConfiguration

    /// Makes the transport.
    public init(_ configuration: InProcessConfiguration = .init()) {
        self.configuration = configuration
    }

    /// `in-process`.
    public var name: TransportName { .inProcess }

    /// Available everywhere; needs nothing of the host.
    public func probe() -> CapabilityRecord {
        CapabilityRecord(
            transport: .inProcess, localities: [.sameProcess], directions: [.simplex, .duplex],
            properties: [.zeroCopy, .confidential, .confirmed, .pollable],
            maximumRecordBytes: RecordHeader.maximumByteCount, loans: .inPlace, survivesSenderDeath: true)
    }

    /// Begins to meet the other end. Allocates nothing of size until both are there; does not block.
    public func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
        switch request.role {
        case .dialer: DialerOpening(request, configuration)
        case .listener: ListenerOpening(request)
        }
    }
}
