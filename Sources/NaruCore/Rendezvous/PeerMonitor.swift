// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// Watches the peer of one link: its process first, its connection second, and turns its end into the link's close
/// reason.
///
/// A hang-up alone does not say how the peer ended, and a child that the peer forked can keep the socket open, so the
/// pidfd decides where there is one. A process closes its descriptors a moment before its pidfd says that it ended, so
/// a hang-up waits a moment for the pidfd.
final class PeerMonitor: Sendable {
    private struct State {
        var process: PeerProcesses.Watch?
        var timer: Reactor.Timer?
        var connection: ControlConnection?
    }

    /// How long a hang-up waits for the kernel to say how the process ended. An unexplained hang-up is reported after
    /// it.
    private static let grace = Duration.milliseconds(40)

    private let link: Link
    private let processes: PeerProcesses
    private let reactor: Reactor
    /// Where the peer's lanes reach this end's.
    private let mailbox: (any LaneMailbox)?
    private let state = Mutex(State())

    init(_ link: Link, processes: PeerProcesses, reactor: Reactor, mailbox: (any LaneMailbox)?) {
        self.mailbox = mailbox
        self.link = link
        self.processes = processes
        self.reactor = reactor
    }

    /// Begins to watch, and takes the connection's frames. Runs on the reactor's thread.
    /// - Parameter startTime: When the peer's process started, as it says.
    func start(_ connection: ControlConnection, startTime: UInt64) {
        state.withLock { $0.connection = connection }
        connection.hand { event in self.handle(event) }
        let process = processes.watch(
            ProcessIdentity(processID: connection.sender.processID, startTime: startTime),
            open: { connection.processHandle(startTime: startTime) }, { self.ended() })
        state.withLock { $0.process = process }
        link.onClose { _ in self.stop() }
    }

    private var process: Descriptor? { state.withLock { $0.process?.handle } }

    private func handle(_ event: ControlConnection.Event) {
        let own = link.agreement.link
        switch event {
        case .frame(.taken(own, let count), _):
            link.tookMessages(count)
        case .frame(.closing(own, let finished), _):
            link.close(finished ? .finished : .peerVanished)
        case .frame(.message(.reject), _), .frame(.message(.refuse), _):
            link.close(.peerVanished)
        case .frame(.opening(own, let bytes, _), let descriptors):
            deliver(OpeningMessage(bytes: bytes, descriptors: descriptors))
        case .descriptorsLost(.opening(own, let bytes, _)):
            deliver(OpeningMessage(bytes: bytes))
        case .frame(.bell, _):
            link.wakeAll()
        case .frame, .descriptorsLost:
            violated(Self.outOfOrder)
        case .violation(let error):
            violated(error)
        case .hangUp:
            hungUp()
        }
    }

    /// Gives a message of the peer's lanes to this end's, then wakes whoever waits for what it brought.
    private func deliver(_ message: OpeningMessage) {
        guard let mailbox else { return violated(Self.outOfOrder) }
        do {
            try mailbox.receive(message)
            link.wakeAll()
        } catch {
            violated(error)
        }
    }

    private static let outOfOrder = NaruError(
        .protocolViolation, operation: "read", object: "control message",
        reason: "a message of the handshake, of another link, or for nobody, while the link is up")

    /// Nothing more is read from a peer that broke the protocol.
    private func violated(_ error: NaruError) {
        let connection = state.withLock { $0.connection }
        link.counters.add(.violations, 1)
        link.close(.protocolViolation(error.reason))
        connection?.close()
    }

    /// The connection is gone; ask the process how, now or a moment later.
    private func hungUp() {
        guard let process, !ProcessHandle.hasExited(process) else { return ended() }
        let timer = reactor.schedule(at: .after(Self.grace)) { self.ended() }
        state.withLock { $0.timer = timer }
    }

    private func ended() {
        let process = process
        // What the peer said before it ended comes first: that it took everything, that it finished.
        let connection = state.withLock { $0.connection }
        connection?.readPending()
        if let errno = connection?.networkFailure { return link.close(.network(errno)) }
        switch process.flatMap(ProcessHandle.exitStatus) {
        case .exited(let code): link.close(.peerExited(code))
        case .killed(let signal): link.close(.peerKilled(signal))
        case nil: link.close(.peerVanished)
        }
    }

    private func stop() {
        let (process, timer) = state.withLock { state in
            defer { state = State() }
            return (state.process, state.timer)
        }
        if let process { processes.stop(process) }
        if let timer { reactor.cancel(timer) }
    }
}
