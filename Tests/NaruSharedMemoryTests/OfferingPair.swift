// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruRing
import NaruSystem
import Synchronization
import Testing

@testable import NaruSharedMemory

/// A port whose messages a test carries by hand.
final class HeldPort: LanePort {
    private let held = Mutex<[OpeningMessage]>([])
    func send(_ message: OpeningMessage) throws(NaruError) { held.withLock { $0.append(message) } }
    /// What was sent since this was last asked.
    func take() -> [OpeningMessage] {
        held.withLock { held in
            defer { held = [] }
            return held
        }
    }
}

/// A simplex link whose ends may make memory while it is up.
struct OfferingPair {
    let dialerPort = HeldPort()
    let listenerPort = HeldPort()
    let outbound: any OutboundLane
    let inbound: any InboundLane
    private let toDialer: any LaneMailbox
    private let toListener: any LaneMailbox

    init(_ budget: SharedMemoryBudget = SharedMemoryBudget()) throws {
        var pair = try OpeningPair(.simplex)
        pair.dialer.port = dialerPort
        pair.listener.port = listenerPort
        let lanes = try pair.open(SharedMemoryTransport(.init(), budget: budget))
        outbound = try #require(lanes.dialer.outbound)
        inbound = try #require(lanes.listener.inbound)
        toDialer = try #require(lanes.dialer.mailbox)
        toListener = try #require(lanes.listener.mailbox)
    }

    /// Carries everything that the ends have to say, the writer's through `tamper`.
    func talk(_ tamper: (OpeningMessage) throws -> OpeningMessage = { $0 }) throws {
        while true {
            let offers = dialerPort.take()
            for offer in offers { try toListener.receive(try tamper(offer)) }
            let answers = listenerPort.take()
            for answer in answers { try toDialer.receive(answer) }
            if offers.isEmpty, answers.isEmpty { return }
        }
    }

    /// Gives the reader's mailbox something.
    func give(_ message: OpeningMessage) throws { try toListener.receive(message) }
}
