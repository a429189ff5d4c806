// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruRing
internal import NaruSystem

/// Carries messages through memory that both ends map: between two programs on one host, nothing is faster.
///
/// Each lane is a ring in two memory files without a name, made by its writer and passed over the control connection.
/// The file with the messages is sealed before it is passed: it can neither shrink nor grow, and the reader's map of
/// it is read-only for good. Nothing can go stale: the memory goes with the last process that maps it. Messages are
/// lent and borrowed in place; no system call is made but to wake an end that sleeps. A message that no ring carries
/// lies in a slot, memory of the same kind that is made when it is first needed. What all rings and slots of a
/// transport take is bounded by a quarter of the memory left.
///
/// A message that was handed over lies in the memory and survives its sender. The descriptors are closed as soon as the
/// memory is mapped.
public struct SharedMemoryTransport: Transport {
    /// How large the rings are.
    public let configuration: SharedMemoryConfiguration
    /// What all links of this transport, and of its copies, may take together.
    private let budget: SharedMemoryBudget

    /// A transport with a configuration.
    public init(_ configuration: SharedMemoryConfiguration = .init()) {
        self.init(configuration, budget: SharedMemoryBudget())
    }

    init(_ configuration: SharedMemoryConfiguration, budget: SharedMemoryBudget) {
        self.configuration = configuration
        self.budget = budget
    }

    public var name: TransportName { .sharedMemory }

    /// Makes, allocates, seals and maps a small ring, and lets go of it.
    public func probe() -> CapabilityRecord {
        let recordBytes =
            configuration.ringBytes.map(RingLayout.maximumRecordBytes) ?? RingSlotLayout.slotBytes.max() ?? 0
        return CapabilityRecord(
            transport: name, localities: [.sameProcess, .relatedProcess, .sameHost], directions: [.simplex, .duplex],
            properties: [.zeroCopy, .confidential, .confirmed, .pollable], agreements: [.negotiated],
            maximumRecordBytes: recordBytes, loans: .inPlace,
            survivesSenderDeath: true, sealed: true, availability: tryRing())
    }

    /// Begins to open the lanes of a link; makes the ring that this end sends through.
    /// - Throws: `NaruError.Code.resourceExhausted` or `.system` when the kernel refuses the memory,
    ///   `.invalidConfiguration` when the configured size of the ring is none.
    public func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
        try SharedMemoryOpening(request, configuration, budget)
    }

    private func tryRing() -> Availability {
        do throws(NaruError) {
            _ = try configuration.ringBytes(messageBytes: 0)
            let header = RingHeader(ringBytes: RingLayout.minimumRingBytes, link: .random())
            let ring = try RingFiles.create(header, budget)
            _ = try RingFiles.map(ring.files, expecting: header, owner: HostInformation.userID)
            return .available
        } catch {
            return .refused(
                reason: error.reason,
                remedy: error.remedy ?? "permit memfd_create, fallocate, fcntl(F_ADD_SEALS) and mmap in the sandbox")
        }
    }
}
