// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

/// Where the two openings of a memory link find each other, within this process only.
final class MemoryMeeting: Sendable {
    private enum State: Sendable {
        case waiting
        case joined(forward: MemoryPipe?, backward: MemoryPipe?)
        case over
    }

    // Process-wide by its purpose: whoever finds a meeting here shares the process.
    private static let meetings = Mutex<[LinkID: MemoryMeeting]>([:])

    private let agreement: Agreement
    private let temper: MemoryTransport.Temper
    private let dialerBells: Bells
    private let state = Mutex(State.waiting)

    /// Signalled when the listener has joined; asynchronous temper only.
    let joinedCounter: EventCounter?
    /// Signalled when the dialer has completed; asynchronous temper only.
    let completedCounter: EventCounter?

    /// The bells that one end was given.
    struct Bells: Sendable {
        let own: any Bell
        let peer: any Bell
    }

    init(_ request: OpeningRequest, _ temper: MemoryTransport.Temper) throws(NaruError) {
        agreement = request.agreement
        self.temper = temper
        dialerBells = Bells(own: request.ownBell, peer: request.peerBell)
        do {
            joinedCounter = temper == .asynchronous ? try EventCounter() : nil
            completedCounter = temper == .asynchronous ? try EventCounter() : nil
        } catch {
            throw NaruError(error, operation: "open", object: "memory lane")
        }
    }

    // MARK: The table

    func announce(_ token: LinkID) {
        Self.meetings.withLock { $0[token] = self }
    }

    static func take(_ token: LinkID) -> MemoryMeeting? {
        meetings.withLock { $0.removeValue(forKey: token) }
    }

    static func forget(_ token: LinkID) {
        _ = take(token)
    }

    // MARK: Meeting

    /// The listener's lanes; `nil` when the dialer has gone or asks for another link.
    func join(_ request: OpeningRequest) throws(NaruError) -> Lanes? {
        let bells = Bells(own: request.ownBell, peer: request.peerBell)
        let forward = agreement.forward.isEmpty ? nil : try pipe(from: dialerBells, to: bells)
        let backward = agreement.backward.isEmpty ? nil : try pipe(from: bells, to: dialerBells)
        return state.withLock { state in
            guard case .waiting = state, request.agreement == agreement else { return nil }
            state = .joined(forward: forward, backward: backward)
            return Lanes(
                outbound: backward.map(MemoryOutboundLane.init), inbound: forward.map(MemoryInboundLane.init))
        }
    }

    /// The dialer's lanes; `nil` when nobody has joined.
    func complete() -> Lanes? {
        let lanes: (MemoryPipe?, MemoryPipe?)? = state.withLock { state in
            guard case .joined(let forward, let backward) = state else { return nil }
            state = .over
            return (forward, backward)
        }
        guard let (forward, backward) = lanes else { return nil }
        completedCounter?.signal()
        return Lanes(outbound: forward.map(MemoryOutboundLane.init), inbound: backward.map(MemoryInboundLane.init))
    }

    /// The dialer goes; a listener that has joined sees its lanes end. Nothing happens after ``complete()``.
    func abandon() {
        let pipes: (MemoryPipe?, MemoryPipe?)? = state.withLock { state in
            defer { state = .over }
            guard case .joined(let forward, let backward) = state else { return nil }
            return (forward, backward)
        }
        pipes?.0?.closeSender()
        pipes?.1?.closeReceiver()
    }

    /// Only the asynchronous temper is woken by the other end; in the others each end has its own bell rung.
    private func pipe(from sender: Bells, to receiver: Bells) throws(NaruError) -> MemoryPipe {
        temper == .asynchronous
            ? try MemoryPipe(temper, senderBell: receiver.peer, receiverBell: sender.peer)
            : try MemoryPipe(temper, senderBell: sender.own, receiverBell: receiver.own)
    }
}
