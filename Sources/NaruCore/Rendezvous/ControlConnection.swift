// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// The control connection between two ends: on one host a Unix socket that carries frames, descriptors and credentials;
/// over a network a stream socket that carries frames alone.
///
/// Frames are read on the reactor's thread only and given to the handler, in order. Any thread may send: a frame that
/// does not fit the socket now waits in a bounded queue until it does.
final class ControlConnection: Sendable {
    /// What the reader of a connection is told.
    enum Event {
        case frame(ControlFrame, descriptors: [Descriptor])
        /// An opening's frame came, but this process had no number left for its descriptors.
        case descriptorsLost(ControlFrame)
        /// The peer said something that is not the protocol.
        case violation(NaruError)
        /// The connection is gone. Comes once, last.
        case hangUp
    }

    private struct Outgoing {
        var bytes: [UInt8]
        var descriptors: [Descriptor]
        var offset = 0
    }

    private struct State {
        var registration: Reactor.Registration?
        var handler: (@Sendable (Event) -> Void)?
        var reader = ControlFrameReader()
        var arrived: [Descriptor] = []
        var lostDescriptors = false
        var sender: PeerCredentials?
        var queue: [Outgoing] = []
        var queuedBytes = 0
        var isClosed = false
        /// The connection is gone, and whether a handler was there to be told.
        var hasFailed = false
        var isTold = false
        var closesWhenSent = false
        var awaitsWritable = false
        var triesAgain = false
        var failure: Int32?
    }

    /// How an attempt to send went.
    private enum Attempt {
        case sent(Int)
        /// The socket has no room; the reactor says when it has.
        case full
        /// The kernel had no memory for it; nothing says when it has.
        case notNow
        /// The connection is gone.
        case failed
    }

    /// Sends bytes from an offset on, with descriptors and, where asked, with credentials.
    typealias Transmit =
        @Sendable (
            Descriptor, [UInt8], _ offset: Int, [Descriptor], _ credentials: Bool
        ) throws(SystemError) -> IOResult

    /// The most bytes that wait to be sent before a peer that does not read is given up.
    private static let maximumQueuedBytes = 256 * 1024
    /// How long what the kernel had no memory for waits before it is sent again.
    private static let pause = Duration.milliseconds(5)

    private let socket: Descriptor
    private let transmit: Transmit
    private let reactor: Reactor
    private let memo: HandshakeMemo
    private let state = Mutex(State())

    /// What the kernel says of the process that connected or listened; over a network, nothing.
    let credentials: PeerCredentials
    /// Whether the two ends are on two hosts, for all that is known: neither descriptors nor credentials cross.
    let isRemote: Bool

    /// Takes over a connected stream socket. A local one must have credentials passing switched on already.
    /// - Parameters:
    ///   - isRemote: Whether it leads over a network.
    ///   - transmit: The system call that sends: a test puts its failures here.
    init(
        _ socket: Descriptor, runtime: Runtime, isRemote: Bool = false,
        transmit: @escaping Transmit = ControlConnection.transmit
    ) throws(SystemError) {
        self.socket = socket
        self.transmit = transmit
        self.isRemote = isRemote
        reactor = runtime.reactor
        memo = runtime.memo
        credentials = isRemote ? .unknown : try UnixSocket.peerCredentials(socket)
    }

    /// The error number with which the network ended the connection, where it did.
    var networkFailure: Int32? {
        guard isRemote, let errno = state.withLock({ $0.failure }) else { return nil }
        let own = [SystemErrno.connectionReset, SystemErrno.brokenPipe, SystemErrno.badDescriptor]
        return own.contains(errno) ? nil : errno
    }

    /// The credentials the kernel attached to the peer's first message; those of the connection until it came. The
    /// sender of HELLO is the peer, not whoever called listen.
    var sender: PeerCredentials {
        state.withLock { $0.sender } ?? credentials
    }

    /// The pidfd of the peer's process, where the kernel can give one that is surely the sender's.
    func processHandle(startTime: UInt64) -> Descriptor? {
        if isRemote { return nil }
        let sender = sender
        if sender.processID == credentials.processID, let handle = try? ProcessHandle.peer(of: socket) { return handle }
        guard sender.processID > 0, let handle = try? ProcessHandle.open(sender.processID),
            ProcessIdentity.of(sender.processID)?.startTime == startTime
        else { return nil }
        return handle
    }

    /// Begins to read. The handler runs on the reactor's thread, never under a lock.
    func start(_ handler: @escaping @Sendable (Event) -> Void) throws(SystemError) {
        state.withLock { $0.handler = handler }
        let registration = try reactor.add(socket, events: [.readable], oneShot: false) { [weak self] events in
            self?.ready(events)
        }
        let (closed, untold) = state.withLock { state in
            state.registration = registration
            // What was sent before and did not fit.
            watchWritable(&state, !state.queue.isEmpty)
            let untold = state.hasFailed && !state.isTold
            if untold { state.isTold = true }
            if state.isClosed { state.handler = nil }
            return (state.isClosed, untold)
        }
        if closed { reactor.remove(registration) }
        // What was sent before found the peer gone, and there was nobody to tell.
        if untold { reactor.perform { handler(.hangUp) } }
    }

    /// Gives the frames to another handler from the next one on.
    func hand(to handler: @escaping @Sendable (Event) -> Void) {
        state.withLock { $0.handler = handler }
    }

    /// Sends a frame, with descriptors where it is an opening. Never blocks.
    /// - Throws: ``NaruError/Code/unsupported`` for descriptors over a network.
    func send(_ frame: ControlFrame, descriptors: [Descriptor] = []) throws(NaruError) {
        guard descriptors.isEmpty || !isRemote else {
            throw NaruError(
                .unsupported, operation: "send", object: "control message",
                reason: "descriptors do not cross a network", remedy: "use a transport that passes none")
        }
        enqueue(Outgoing(bytes: try frame.encoded(memo), descriptors: descriptors))
    }

    /// Sends a frame that may be dropped when the socket is full: the peer has frames to read already, and every frame
    /// wakes every waiter there. For no other reason is it dropped while the connection lasts.
    func ring(_ frame: [UInt8]) {
        if reactor.forkGuard.isForked { return }
        let failed = state.withLock { state in
            guard !state.isClosed, state.queue.isEmpty else { return false }
            let bell = Outgoing(bytes: frame, descriptors: [])
            switch attempt(bell, credentials: false) {
            // A bell cut short must be completed, or the next frame would be read from its middle.
            case .sent(let count): if count < frame.count { queue(bell, sent: count, &state) }
            case .full: break
            case .notNow: queue(bell, sent: 0, &state)
            case .failed: return true
            }
            return false
        }
        if failed { failSoon() }
    }

    private func enqueue(_ outgoing: Outgoing) {
        if reactor.forkGuard.isForked { return }
        let overflowed = state.withLock { state in
            guard !state.isClosed else { return false }
            state.queue.append(outgoing)
            state.queuedBytes += outgoing.bytes.count
            return !drainQueue(&state) || state.queuedBytes > Self.maximumQueuedBytes
        }
        if overflowed { failSoon() }
    }

    /// Leaves the rest of a bell to be sent later.
    private func queue(_ bell: Outgoing, sent: Int, _ state: inout State) {
        var rest = bell
        rest.offset = sent
        state.queue.append(rest)
        state.queuedBytes += rest.bytes.count
        if sent > 0 { watchWritable(&state, true) } else { tryAgainSoon(&state) }
    }

    /// One attempt to send what is left of a frame.
    private func attempt(_ outgoing: Outgoing, credentials: Bool) -> Attempt {
        let isFirst = outgoing.offset == 0
        do {
            let result = try transmit(
                socket, outgoing.bytes, outgoing.offset, isFirst ? outgoing.descriptors : [],
                credentials && isFirst && !isRemote)
            guard case .bytes(let count) = result else { return .full }
            return .sent(count)
        } catch {
            switch error.errno {
            case SystemErrno.noBuffers, SystemErrno.noMemory, SystemErrno.interrupted: return .notNow
            default: return .failed
            }
        }
    }

    @Sendable static func transmit(
        _ socket: Descriptor, _ bytes: [UInt8], _ offset: Int, _ descriptors: [Descriptor], _ credentials: Bool
    ) throws(SystemError) -> IOResult {
        // The bytes are the callee's for the call only.
        unsafe try bytes.span.bytes.withUnsafeBytes { bytes throws(SystemError) in
            unsafe try UnixSocket.send(
                socket, UnsafeRawBufferPointer(rebasing: bytes[offset...]), descriptors: descriptors,
                credentials: credentials)
        }
    }

    /// Sends what is queued; `false` when the socket failed.
    private func drainQueue(_ state: inout State) -> Bool {
        while let first = state.queue.first {
            switch attempt(first, credentials: true) {
            case .failed: return false
            case .full:
                watchWritable(&state, true)
                return true
            case .notNow:
                // The socket may well be writable: only time tells.
                watchWritable(&state, false)
                tryAgainSoon(&state)
                return true
            case .sent(let count):
                if first.offset + count == first.bytes.count {
                    state.queuedBytes -= first.bytes.count
                    state.queue.removeFirst()
                } else {
                    state.queue[0].offset += count
                }
            }
        }
        watchWritable(&state, false)
        return true
    }

    private func tryAgainSoon(_ state: inout State) {
        guard !state.triesAgain else { return }
        state.triesAgain = true
        _ = reactor.schedule(at: .after(Self.pause)) { [weak self] in
            guard let self else { return }
            self.state.withLock { $0.triesAgain = false }
            self.ready(.writable)
        }
    }

    /// The socket takes nothing more. What the peer said before it went is read first.
    private func failSoon() {
        reactor.perform { [self] in
            ready(.readable)
            fail()
        }
    }

    private func watchWritable(_ state: inout State, _ on: Bool) {
        guard let registration = state.registration, state.awaitsWritable != on else { return }
        state.awaitsWritable = on
        try? reactor.rearm(registration, events: on ? [.readable, .writable] : [.readable])
    }

    /// Whether the other end is closed, whatever of it was not read yet.
    var isHungUp: Bool { (try? socket.pollOnce(.hangUp))?.contains(.hangUp) ?? false }

    /// Reads what has come already. On the reactor's thread.
    func readPending() {
        ready(.readable)
    }

    /// On the reactor's thread: reads all there is, gives whole frames away, sends what waits.
    private func ready(_ events: PollEvents) {
        var ended = false
        if events.contains(.writable) {
            let (fine, isLast) = state.withLock { state in
                (drainQueue(&state), state.closesWhenSent && state.queue.isEmpty)
            }
            if isLast { return fail() }
            // What the peer said before it went is read first.
            ended = !fine
        }
        guard ended || events.contains(.readable) || events.contains(.hangUp) || events.contains(.error) else { return }
        reading: while true {
            switch readOnce() {
            case .bytes: break
            case .wouldBlock: break reading
            case .endOfFile:
                ended = true
                break reading
            }
            deliver()
        }
        deliver()
        if ended { fail() }
    }

    private func readOnce() -> IOResult {
        unsafe withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 8) { buffer in
            let received: UnixSocket.Received
            do throws(SystemError) {
                received = unsafe try UnixSocket.receive(
                    socket, into: buffer, maximumDescriptors: ControlFrame.maximumDescriptors)
            } catch {
                state.withLock { $0.failure = error.errno }
                return .endOfFile
            }
            return state.withLock { state in
                if state.isClosed { return .endOfFile }
                if let credentials = received.credentials, state.sender == nil { state.sender = credentials }
                if case .bytes(let count) = received.result {
                    unsafe state.reader.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                    state.arrived += received.descriptors
                    if received.lostDescriptors { state.lostDescriptors = true }
                }
                return received.result
            }
        }
    }

    /// Gives every whole frame to the handler.
    private func deliver() {
        while true {
            let next: (Event, (@Sendable (Event) -> Void))? = state.withLock { state in
                guard let handler = state.handler, !state.isClosed else { return nil }
                do {
                    guard let frame = try state.reader.next(memo) else {
                        // Descriptors come with the first byte of their frame, so those that wait here without one, or
                        // more than one frame's worth, were never announced.
                        let most = state.reader.isEmpty ? 0 : ControlFrame.maximumDescriptors
                        guard state.arrived.count <= most else {
                            return (.violation(Self.surplus), handler)
                        }
                        return nil
                    }
                    guard case .opening(_, _, let count) = frame else {
                        return (.frame(frame, descriptors: []), handler)
                    }
                    if state.arrived.count < count, state.lostDescriptors {
                        // The kernel had no number left for them. The opening fails, the link need not.
                        (state.arrived, state.lostDescriptors) = ([], false)
                        return (.descriptorsLost(frame), handler)
                    }
                    guard state.arrived.count >= count else { return (.violation(Self.missing), handler) }
                    let own = Array(state.arrived.prefix(count))
                    state.arrived.removeFirst(count)
                    return (.frame(frame, descriptors: own), handler)
                } catch {
                    return (.violation(error as! NaruError), handler)
                }
            }
            guard let (event, handler) = next else { return }
            handler(event)
            if case .violation = event { return fail() }
        }
    }

    private static let surplus = NaruError(
        .protocolViolation, operation: "read", object: "control message", reason: "descriptors nobody announced")
    private static let missing = NaruError(
        .protocolViolation, operation: "read", object: "control message", reason: "a descriptor announced but not sent")

    /// Closes once everything queued is sent, or at once when nothing is.
    /// - Parameter time: How long a peer that does not read may keep the connection; `nil`: as long as it lives, since
    ///   a peer that is stopped reads later.
    func closeWhenSent(within time: Duration? = nil) {
        if reactor.forkGuard.isForked { return }
        let now = state.withLock { state in
            state.closesWhenSent = true
            return state.queue.isEmpty
        }
        if now { return close() }
        guard let time else { return }
        _ = reactor.schedule(at: .after(time)) { [weak self] in self?.close() }
    }

    /// Closes without telling anybody here.
    func close() {
        // A shutdown would end the parent's connection.
        if reactor.forkGuard.isForked { return }
        let (registration, first) = state.withLock { state in
            defer {
                state.isClosed = true
                state.handler = nil
                state.queue = []
                state.arrived = []
                state.registration = nil
            }
            return (state.registration, !state.isClosed)
        }
        if let registration { reactor.remove(registration) }
        if isRemote {
            if first { LingeringClose.close(socket, reactor: reactor, within: Self.lingering) }
        } else {
            socket.shutdownBoth()
        }
    }

    /// How long a connection over a network is kept for what was said last, when the other end does not close its own.
    private static let lingering = Duration.seconds(5)

    /// Closes and tells the handler.
    private func fail() {
        let handler = state.withLock { state -> (@Sendable (Event) -> Void)? in
            if state.isClosed { return nil }
            defer { state.handler = nil }
            state.hasFailed = true
            if state.handler != nil { state.isTold = true }
            return state.handler
        }
        close()
        handler?(.hangUp)
    }
}
