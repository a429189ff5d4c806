// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruCore
import NaruSystem
import Synchronization

/// A transport whose opening waits, at one end, for a descriptor that never becomes ready.
struct StallingTransport: Transport {
    private let base = MemoryTransport(name: "a-stalling")
    private let role: Role
    private let count = OpeningCount()

    init(_ role: Role) {
        self.role = role
    }

    /// How many of the openings that wait are there now.
    var openings: Int { count.value.load(ordering: .sequentiallyConsistent) }
    /// How many have begun to wait, ever.
    var begun: Int { count.begun.load(ordering: .sequentiallyConsistent) }

    var name: TransportName { base.name }
    func probe() -> CapabilityRecord { base.probe() }

    func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
        request.role == role ? try StallingOpening(count) : try base.open(request)
    }
}

private final class OpeningCount: Sendable {
    let value = Atomic(0)
    let begun = Atomic(0)
}

private final class StallingOpening: Opening {
    private let counter: EventCounter
    private let count: OpeningCount

    init(_ count: OpeningCount) throws(NaruError) {
        do {
            counter = try EventCounter()
        } catch {
            throw NaruError(error, operation: "open", object: "double")
        }
        self.count = count
        count.value.add(1, ordering: .sequentiallyConsistent)
    }

    deinit {
        count.value.subtract(1, ordering: .sequentiallyConsistent)
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        count.begun.add(1, ordering: .sequentiallyConsistent)
        return .wait(counter.descriptor, .readable)
    }
}

/// A transport whose dialer waits for a descriptor while the listener sends it messages: the waiting is over only when
/// the descriptor is ready, and the messages are still there then.
struct TalkativeTransport: Transport {
    static let messages = 5
    private let base = MemoryTransport(name: "talkative")

    var name: TransportName { base.name }
    func probe() -> CapabilityRecord { base.probe() }

    func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
        request.role == .dialer
            ? try ListeningOpening(try base.open(request), request.reactor) : TalkingOpening(try base.open(request))
    }
}

/// Says five things at once, then opens as its base does.
private final class TalkingOpening: Opening {
    private let base: any Opening
    private var said = 0

    init(_ base: any Opening) {
        self.base = base
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        guard said == TalkativeTransport.messages else {
            said += 1
            return .send(OpeningMessage(bytes: [UInt8(said)]))
        }
        return try base.advance(event)
    }
}

/// Waits for a descriptor that becomes ready only after the messages came, then reads them, then opens as its base
/// does.
private final class ListeningOpening: Opening {
    private let base: any Opening
    private let counter: EventCounter
    private let reactor: Reactor
    private var isWaiting = false
    private var heard = 0
    private var isAsking = false

    init(_ base: any Opening, _ reactor: Reactor) throws(NaruError) {
        self.base = base
        self.reactor = reactor
        do {
            counter = try EventCounter()
        } catch {
            throw NaruError(error, operation: "open", object: "double")
        }
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        if !isWaiting {
            isWaiting = true
            // Long enough for the messages to come first, as a rule; either order is right.
            _ = reactor.schedule(at: .after(.milliseconds(30))) { [counter] in counter.signal() }
            return .wait(counter.descriptor, .readable)
        }
        guard heard < TalkativeTransport.messages else { return try base.advance(event) }
        if !isAsking {
            guard counter.drain() > 0 else {
                throw NaruError(
                    .protocolViolation, operation: "open", object: "double", reason: "told to proceed too early")
            }
            isAsking = true
            return .receive
        }
        guard case .message(let message) = event, message.bytes == [UInt8(heard + 1)] else {
            throw NaruError(
                .protocolViolation, operation: "open", object: "double", reason: "messages out of order: \(event)")
        }
        heard += 1
        return heard < TalkativeTransport.messages ? .receive : try base.advance(.proceed)
    }
}
