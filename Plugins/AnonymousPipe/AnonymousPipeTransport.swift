// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruStream
internal import NaruSystem

/// Carries messages over anonymous pipes, one for each direction of a link, between a process and one that it started.
///
/// The dialer makes the pipes and passes the far ends over the control connection, which a started child inherits.
/// There is nothing to name and nothing to clean: the pipes go with the two ends. What was handed over lies in the
/// kernel and survives the sender as long as the receiver lives.
///
/// An end that was passed shares its flags with whoever still holds a copy. Both ends are non-blocking when they are
/// passed, which the listener checks; the dialer keeps no copy, and a process of the same user that means harm needs no
/// flag for it.
public struct AnonymousPipeTransport: Transport {
    /// How links are made.
    public let configuration: AnonymousPipeConfiguration

    /// A transport with a configuration.
    public init(_ configuration: AnonymousPipeConfiguration = .init()) {
        self.configuration = configuration
    }

    public var name: TransportName { .pipe }

    /// Sends a byte through a real pipe.
    public func probe() -> CapabilityRecord {
        CapabilityRecord(
            transport: name, localities: [.sameProcess, .relatedProcess], directions: [.simplex, .duplex],
            properties: [.confidential, .confirmed, .pollable], agreements: [.negotiated],
            maximumRecordBytes: StreamFormat.maximumPipeRecordBytes, loans: .copied, survivesSenderDeath: true,
            requiresSameUser: true, availability: AnonymousPipeProbe.run())
    }

    /// Begins to open the lanes of a link.
    /// - Throws: `NaruError.Code.resourceExhausted` or `.system` when the dialer can make no pipe.
    public func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
        switch request.role {
        case .dialer: try AnonymousPipeDialing(request, configuration)
        case .listener: AnonymousPipeListening(request, configuration)
        }
    }
}
