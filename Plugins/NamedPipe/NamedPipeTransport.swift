// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruStream
internal import NaruSystem

/// Carries messages over named pipes (FIFOs): one for each direction of a link, between any two processes of one user.
///
/// The listener makes each pipe under a private random name in the folder where the ends met, the dialer opens it by
/// that name, and both prove that they hold the same object; then the name is gone. While a link is up there is nothing
/// that could go stale and nothing that a third process could open. Since each end opens the pipe itself, its open file
/// is its own: the peer cannot make it block.
///
/// What was handed over lies in the kernel and survives the sender as long as the receiver lives.
///
/// A FIFO that a program which knows nothing of Naru reads or writes is an attached link, ``attach(_:)``: `fifo:PATH`
/// with `--raw`.
public struct NamedPipeTransport: Transport {
    /// How links are made.
    public let configuration: NamedPipeConfiguration

    /// A transport with a configuration.
    public init(_ configuration: NamedPipeConfiguration = .init()) {
        self.configuration = configuration
    }

    public var name: TransportName { .fifo }

    /// Asks the kernel for FIFOs, and makes none; sends a byte through a pipe.
    public func probe() -> CapabilityRecord {
        CapabilityRecord(
            transport: name, localities: [.sameProcess, .relatedProcess, .sameHost], directions: [.simplex, .duplex],
            properties: [.confidential, .confirmed, .pollable], agreements: [.negotiated, .attached],
            maximumRecordBytes: StreamFormat.maximumPipeRecordBytes, loans: .copied, survivesSenderDeath: true,
            requiresSameUser: true, sharedNamespaces: ["mnt"], availability: NamedPipeProbe.run())
    }

    /// Begins to open the lanes of a link.
    /// - Throws: `NaruError.Code.system` when the listener has no folder for the names.
    public func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
        switch request.role {
        case .dialer: NamedPipeDialing(request, configuration)
        case .listener: try NamedPipeListening(request, configuration)
        }
    }
}
