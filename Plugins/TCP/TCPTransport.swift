// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruStream
internal import NaruSystem

/// Carries messages over a TCP connection of their own: between hosts on a trusted wire, and on one host where nothing
/// nearer will do.
///
/// Where the two ends met by ``TCPRendezvous``, the lanes' connection goes to the very port at which they met, so that
/// one open port suffices; elsewhere it goes to a loopback port made for the one connection.
///
/// Everything travels in the clear, and whoever is on the way can change it. What was handed over lies in this host's
/// kernel, and does not survive the sender for certain: a process that is killed while something it received was not
/// read has its connection reset, and what was on its way is lost.
public struct TCPTransport: Transport {
    /// How links are made.
    public let configuration: TCPConfiguration

    /// A transport with a configuration.
    public init(_ configuration: TCPConfiguration = .init()) {
        self.configuration = configuration
    }

    public var name: TransportName { .tcp }

    /// Sends a byte over a real connection on loopback.
    public func probe() -> CapabilityRecord {
        CapabilityRecord(
            transport: name, localities: [.sameProcess, .relatedProcess, .sameHost, .remote],
            directions: [.simplex, .duplex], properties: [.confirmed, .pollable], agreements: [.negotiated],
            maximumRecordBytes: StreamFormat.maximumRecordBytes, loans: .copied, survivesSenderDeath: false,
            availability: tryConnection())
    }

    /// Begins to open the lanes of a link.
    /// - Throws: `NaruError.Code.unsupported` when the ends are remote and met by another rendezvous than TCP's: a link
    ///   that somebody wanted protected is not carried in the clear.
    public func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
        let meeting = request.meeting as? TCPMeeting
        if meeting == nil, request.agreement.relation.locality == .remote {
            throw NaruError(
                .unsupported, operation: "open", object: "tcp", reason: "the ends did not meet by tcp",
                remedy: "let them meet at an address tcp:HOST:PORT")
        }
        return switch request.role {
        case .dialer: TCPDialing(request, configuration, meeting)
        case .listener: try TCPListening(request, configuration, meeting)
        }
    }

    /// Tries version 4, then 6: one of them is enough.
    private func tryConnection() -> Availability {
        var reason = ""
        for loopback in InetAddress.loopbacks {
            do throws(SystemError) {
                let listening = try TCPSocket.listen(at: loopback, backlog: 1)
                let address = try TCPSocket.address(of: listening)
                let near = try TCPSocket.connect(to: address)
                // On loopback the connection is made before `connect` returns, as a rule.
                guard try !near.poll(.writable, deadline: .after(.milliseconds(300))).isEmpty,
                    try !listening.poll(.readable, deadline: .after(.milliseconds(300))).isEmpty,
                    let far = try TCPSocket.accept(listening)
                else {
                    reason = "a connection to \(address) does not come about"
                    continue
                }
                try TCPSocket.takeError(near, address.description)
                let sent: [UInt8] = [1]
                guard try near.send(sent) == .bytes(1),
                    try !far.poll(.readable, deadline: .after(.milliseconds(300))).isEmpty,
                    try far.receive(upTo: 2) == sent
                else {
                    reason = "a connection to \(address) does not carry a byte"
                    continue
                }
                return .available
            } catch {
                reason = error.description
            }
        }
        return .refused(
            reason: reason,
            remedy: "bring up the loopback interface (`ip link set lo up`), and permit sockets of AF_INET")
    }
}

extension InetAddress {
    /// This host to itself, port chosen by the kernel.
    static let loopbacks = [InetAddress("127.0.0.1", port: 0), InetAddress("::1", port: 0)].compactMap(\.self)
}
