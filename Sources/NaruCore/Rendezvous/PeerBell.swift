// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// Rings across the control connection: the peer's reactor wakes whoever waits at its end of the link.
struct ConnectionBell: Bell {
    private let connection: ControlConnection
    private let frame: [UInt8]

    init(_ connection: ControlConnection, link: LinkID) throws(NaruError) {
        self.connection = connection
        frame = try ControlFrame.bell(link).encoded()
    }

    func ring() {
        connection.ring(frame)
    }
}

/// Wakes the waiters of this process's end of a link. Lanes get it before their link exists; until then nobody waits.
final class LateBell: Bell {
    private struct State {
        // Weak, because lanes hold their bells and must not keep the link alive.
        weak var link: Link?
    }
    private let state = Mutex(State())

    func connect(_ link: Link) {
        state.withLock { $0.link = link }
    }

    func ring() {
        state.withLock { $0.link }?.wakeAll()
    }
}

/// Carries what lanes say to each other across the control connection.
struct ConnectionPort: LanePort {
    let connection: ControlConnection
    let link: LinkID

    func send(_ message: OpeningMessage) throws(NaruError) {
        guard message.bytes.count <= ControlFrame.maximumOpeningBytes,
            message.descriptors.count <= ControlFrame.maximumDescriptors
        else {
            throw NaruError(
                .invalidArgument, operation: "send", object: "a lane's message",
                reason: "it has \(message.bytes.count) bytes and \(message.descriptors.count) descriptors")
        }
        try connection.send(
            .opening(link, message.bytes, descriptorCount: message.descriptors.count), descriptors: message.descriptors)
    }
}
