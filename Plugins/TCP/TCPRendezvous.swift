// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruSystem

/// Ends meet at `tcp:HOST:PORT`.
///
/// Whoever can reach the port can dial, and whoever is on the way can read and change what is said: so an address that
/// is not loopback is refused unless the configuration says `insecure`.
public struct TCPRendezvous: Rendezvous {
    /// How connections are made.
    public let configuration: TCPConfiguration

    /// A rendezvous with a configuration.
    public init(_ configuration: TCPConfiguration = .init()) {
        self.configuration = configuration
    }

    public var scheme: String { "tcp" }

    /// Binds every address of the host's name; `*` is every address of this host, of both versions.
    public func listen(_ request: RendezvousRequest) throws(NaruError) -> any Doorway {
        let addresses = try permitted(try Self.addresses(toListen: request), request, "listen")
        var sockets: [Descriptor] = []
        var problem: SystemError?
        for var address in addresses {
            // One port for all of them.
            if request.port == 0, let first = sockets.first, let bound = try? TCPSocket.address(of: first) {
                address.port = bound.port
            }
            do throws(SystemError) {
                sockets.append(
                    try TCPSocket.listen(at: address, backlog: 512, bothVersions: request.host == Self.anywhere))
                // Both versions are in one socket.
                if request.host == Self.anywhere { break }
            } catch {
                // A host may lack one version. Somebody else on the port is another matter.
                problem = error
                if error.errno == SystemErrno.inUse { break }
            }
        }
        if let problem, sockets.isEmpty || problem.errno == SystemErrno.inUse {
            throw Self.error(problem, request)
        }
        do {
            let bound = try sockets.first.map { socket throws(SystemError) in try TCPSocket.address(of: socket) }
            let host = request.host.contains(":") ? "[\(request.host)]" : request.host
            return try TCPDoorway(
                sockets, address: "tcp:\(host):\(bound?.port ?? request.port)", configuration: configuration,
                reactor: request.reactor)
        } catch {
            throw Self.error(error, request)
        }
    }

    /// Tries the addresses of the host's name, one after the other.
    public func dial(
        _ request: RendezvousRequest, completion: @escaping @Sendable (DialOutcome) -> Void
    ) -> any DialAttempt {
        let attempt = TCPDial(self, request, completion)
        attempt.start()
        return attempt
    }

    private static let anywhere = "*"

    /// What needs no looking up; `nil` for a name that does. `localhost` is this host by definition (RFC 6761).
    static func knownAddresses(_ host: String, port: UInt16) -> [InetAddress]? {
        if host.lowercased() == "localhost" {
            return InetAddress.loopbacks.map { loopback in
                var address = loopback
                address.port = port
                return address
            }
        }
        return InetAddress(host, port: port).map { [$0] }
    }

    private static func addresses(toListen request: RendezvousRequest) throws(NaruError) -> [InetAddress] {
        let (host, port) = (request.host, request.port)
        if host == anywhere {
            return [InetAddress("::", port: port), InetAddress("0.0.0.0", port: port)].compactMap(\.self)
        }
        if let known = knownAddresses(host, port: port) { return known }
        let found = try request.errands.runBlocking("look up \(host)", deadline: .after(.seconds(5))) {
            lookUp(host, port)
        }
        switch found {
        case .success(let addresses)?: return addresses
        case .failure(let error)?: throw unresolved(request, error.reason, "listen")
        case nil: throw unresolved(request, "the resolver did not answer within 5 s", "listen")
        }
    }

    static func lookUp(_ host: String, _ port: UInt16) -> Result<[InetAddress], InetAddress.ResolverError> {
        do {
            return .success(try InetAddress.resolve(host, port: port))
        } catch {
            return .failure(error)
        }
    }

    private static func unresolved(
        _ request: RendezvousRequest, _ reason: String, _ operation: String
    ) -> NaruError {
        NaruError(
            .unreachable, operation: operation, object: request.address,
            reason: "`\(request.host)` has no address: \(reason)", remedy: "correct the name, or use a number")
    }

    /// The addresses that policy permits.
    /// - Throws: ``NaruCore/NaruError/Code/refused`` when it permits none.
    func permitted(
        _ addresses: [InetAddress], _ request: RendezvousRequest, _ operation: String
    ) throws(NaruError) -> [InetAddress] {
        if request.permitsInsecure { return addresses }
        let permitted = addresses.filter(\.isLoopback)
        if permitted.isEmpty {
            let named = addresses.first.map { $0.host == request.host ? "" : " (\($0.host))" } ?? ""
            throw NaruError(
                .refused, operation: operation, object: request.address,
                reason: "\(request.host)\(named) is not a loopback address, and over tcp everything travels in the "
                    + "clear",
                remedy: "set `insecure` for this link on a wire that you trust, or use a loopback address")
        }
        return permitted
    }

    private static func error(_ error: SystemError, _ request: RendezvousRequest) -> NaruError {
        switch error.errno {
        case SystemErrno.inUse:
            NaruError(
                .busy, operation: "listen", object: request.address, reason: "another program listens there",
                errno: error.errno, remedy: "close that one, or use another port")
        case SystemErrno.addressNotAvailable:
            NaruError(
                .system, operation: "listen", object: request.address,
                reason: "\(request.host) is no address of this host", errno: error.errno,
                remedy: "listen at one of its own, or at `*` for all of them")
        default: NaruError(error, operation: "listen", object: request.address)
        }
    }
}
