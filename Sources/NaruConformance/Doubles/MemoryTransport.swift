// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruSystem

/// A transport of one process for testing what stands above transports. It moves records through a bounded queue behind
/// a lock, and has three tempers, which between them use every way of waiting that lanes have.
public struct MemoryTransport: Transport {
    /// How the transport behaves.
    public enum Temper: String, Sendable, CaseIterable, CustomStringConvertible {
        /// Opens at once. Threads wait in a futex, tasks for their own bell. 64 records of at most 64 KiB.
        case synchronous
        /// Its openings wait for descriptors. Threads wait for a descriptor, tasks for a bell that the peer rings
        /// across the control connection. 8 records of at most 4 KiB.
        case asynchronous
        /// Everybody waits for descriptors. One record of at most 64 bytes, and nothing counts as handed over before it
        /// was taken: everything that can be split, refused or put off is.
        case slow

        /// The word.
        public var description: String { rawValue }

        /// How many records wait in a lane.
        var recordCapacity: Int {
            switch self {
            case .synchronous: 64
            case .asynchronous: 8
            case .slow: 1
            }
        }

        /// The most bytes of one record.
        var maximumRecordBytes: Int {
            switch self {
            case .synchronous: 65_536
            case .asynchronous: 4096
            case .slow: 64
            }
        }
    }

    /// How it behaves.
    public let temper: Temper
    /// The name it goes by.
    public let name: TransportName

    /// Makes a transport; give each of a runtime a name of its own.
    public init(_ temper: Temper = .synchronous, name: TransportName = "memory") {
        self.temper = temper
        self.name = name
    }

    /// Available everywhere, for two ends of one process.
    public func probe() -> CapabilityRecord {
        CapabilityRecord(
            transport: name, localities: [.sameProcess], directions: [.simplex, .duplex],
            properties: [.confirmed, .confidential], maximumRecordBytes: temper.maximumRecordBytes, loans: .inPlace)
    }

    /// Begins to meet the other end.
    public func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
        switch request.role {
        case .dialer: try MemoryDialerOpening(request, temper)
        case .listener: MemoryListenerOpening(request)
        }
    }
}

extension NaruError {
    /// An error of a memory lane or its opening.
    static func memory(_ code: Code, _ operation: String, _ reason: String) -> NaruError {
        NaruError(code, operation: operation, object: "memory lane", reason: reason)
    }
}
