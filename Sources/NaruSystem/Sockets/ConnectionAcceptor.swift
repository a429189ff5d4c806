// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import Synchronization

/// Accepts what connects to a listening socket, on a reactor's thread, until it is stopped.
public final class ConnectionAcceptor: Sendable {
    /// The socket that listens.
    public let socket: Descriptor
    private let reactor: Reactor
    private let registration = Mutex<(isStopped: Bool, value: Reactor.Registration?)>((false, nil))

    /// Will accept from a socket; closed with ``stop()``, or with this object.
    public init(_ socket: Descriptor, reactor: Reactor) {
        self.socket = socket
        self.reactor = reactor
    }

    deinit {
        stop()
    }

    /// Begins.
    /// - Parameters:
    ///   - accepted: Takes each connection; must not block.
    ///   - troubled: Hears why the next could not be accepted, as when no descriptor is left. It is tried again in a
    ///     moment: until then the connection stays in the backlog.
    public func start(
        accepted: @escaping @Sendable (Descriptor) -> Void, troubled: @escaping @Sendable (SystemError) -> Void
    ) throws(SystemError) {
        let added = try reactor.add(socket, events: [.readable], oneShot: false) { [weak self] _ in
            self?.acceptAll(accepted, troubled)
        }
        let isStopped = registration.withLock { registration in
            if !registration.isStopped { registration.value = added }
            return registration.isStopped
        }
        if isStopped { reactor.remove(added) }
    }

    /// Ends accepting and closes the socket. Idempotent.
    public func stop() {
        if reactor.forkGuard.isForked { return }
        let (first, old) = registration.withLock { registration in
            defer { registration = (true, nil) }
            return (!registration.isStopped, registration.value)
        }
        if let old { reactor.remove(old) }
        if first { socket.close() }
    }

    private func acceptAll(
        _ accepted: @Sendable (Descriptor) -> Void, _ troubled: @Sendable (SystemError) -> Void
    ) {
        do throws(SystemError) {
            while let connection = try UnixSocket.accept(socket) { accepted(connection) }
        } catch {
            // Closed by stop() in another thread meanwhile.
            if error.errno == SystemErrno.badDescriptor { return }
            troubled(error)
            pause()
        }
    }

    /// Looks away for a moment: the socket stays readable.
    private func pause() {
        guard let registration = registration.withLock({ $0.value }) else { return }
        try? reactor.rearm(registration, events: [])
        _ = reactor.schedule(at: .after(.milliseconds(50))) { [weak self] in
            try? self?.reactor.rearm(registration, events: [.readable])
        }
    }
}
