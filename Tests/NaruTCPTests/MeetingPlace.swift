// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Logging
import NaruCore
import NaruSystem
import NaruTCP

/// Two runtimes of one process that meet by TCP and have no other transport.
final class MeetingPlace {
    let dialer: Runtime
    let listener: Runtime
    private let folder: String

    init() throws {
        folder = "/tmp/naru-tcp-\(ProcessIdentity.current.processID)-\(String(SystemRandom.word(), radix: 36))"
        dialer = try Self.runtime(folder)
        listener = try Self.runtime(folder)
    }

    deinit {
        dialer.shutdown()
        listener.shutdown()
    }

    private static func runtime(_ folder: String) throws -> Runtime {
        try Runtime(
            transports: [TCPTransport()], directories: RuntimeDirectories([folder]), rendezvous: [TCPRendezvous()],
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Ends both at once, so that nothing is awaited from a task that blocks.
    func end() {
        dialer.shutdown()
        listener.shutdown()
    }

    /// A listener at a port that the kernel chooses, and the address to dial.
    func listen(
        _ host: String = "127.0.0.1", name: String = "default", request: LinkRequest = LinkRequest()
    ) throws -> (Listener, Address) {
        let place = NetworkPlace(scheme: "tcp", host: host, port: 0, name: name)
        let found = try listener.listener(.network(place), request)
        guard case .network(let bound) = try Address(parsing: found.address) else { throw Unexpected() }
        return (found, .network(NetworkPlace(scheme: "tcp", host: bound.host, port: bound.port, name: name)))
    }

    /// A link at a listener.
    func link(_ found: Listener, _ address: Address) async throws -> (Sender, Receiver) {
        let sender = try await dialer.sender(address, deadline: .after(.seconds(30)))
        guard let receiver = try await found.nextReceiver(deadline: .after(.seconds(30))) else { throw Unexpected() }
        return (sender, receiver)
    }
}

struct Unexpected: Error {}

/// The error that a body throws.
func failure(_ body: () async throws -> Void) async -> NaruError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? NaruError
    }
}

extension Address {
    /// The port of an address of a network.
    var port: UInt16 { if case .network(let place) = self { place.port } else { 0 } }
}
