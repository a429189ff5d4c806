// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruStream
internal import NaruSystem

/// Carries messages over a pair of connected Unix sockets: the dependable default on one host.
///
/// The pair has no name: the dialer makes it and passes one end over the control connection. Nothing can go stale, and
/// only the two processes can reach it. What was handed over lies in the kernel and survives the sender.
public struct UnixSocketTransport: Transport {
    /// How links are made.
    public let configuration: UnixSocketConfiguration

    /// A transport with a configuration.
    public init(_ configuration: UnixSocketConfiguration = .init()) {
        self.configuration = configuration
    }

    public var name: TransportName { .unixSocket }

    /// Sends a byte through a real pair of sockets.
    public func probe() -> CapabilityRecord {
        CapabilityRecord(
            transport: name, localities: [.sameProcess, .relatedProcess, .sameHost], directions: [.simplex, .duplex],
            properties: [.confidential, .confirmed, .pollable], agreements: [.negotiated],
            maximumRecordBytes: StreamFormat.maximumRecordBytes, loans: .copied, survivesSenderDeath: true,
            availability: tryPair())
    }

    /// Begins to open the lanes of a link.
    /// - Throws: `NaruError.Code.resourceExhausted` or `.system` when the dialer can make no pair of sockets.
    public func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
        switch request.role {
        case .dialer: try UnixSocketDialing(request, configuration)
        case .listener: UnixSocketListening(request, configuration)
        }
    }

    private func tryPair() -> Availability {
        do throws(SystemError) {
            let (a, b) = try UnixSocket.pair(kind: .stream)
            let sent: [UInt8] = [1]
            guard try a.send(sent) == .bytes(1), try b.receive(upTo: 2) == sent else {
                return .refused(reason: "a pair of Unix sockets does not carry a byte", remedy: "check the sandbox")
            }
            return .available
        } catch {
            return .refused(
                reason: error.description,
                remedy: "permit socketpair(AF_UNIX), or raise the limit of descriptors with `ulimit -n`")
        }
    }
}
