// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Logging
import NaruSystem
import Synchronization
import Testing

@testable import NaruCore

/// A bell may be dropped when the connection is busy, because whatever keeps it busy wakes as well.
@Suite(.timeLimit(.minutes(1))) struct BellTests {
    private static func runtime() throws -> Runtime {
        try Runtime(transports: [], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private static func link(_ reactor: Reactor) -> Link {
        let relation = Relation(locality: .sameHost, sameUser: true, sharedNamespaces: [])
        let terms = [LaneTerms(transport: .sharedMemory)]
        return Link(
            agreement: Agreement(
                link: .random(), forward: terms, backward: terms, requirements: Requirements(direction: .duplex),
                relation: relation),
            decision: Decision(request: Requirements(), relation: relation, costSource: "test", candidates: []),
            role: .listener, name: "frames", reactor: reactor, peer: nil, connection: nil)
    }

    /// Every frame that keeps a link open wakes the waiters of both lanes.
    @Test(arguments: [false, true]) func everyFrameWakes(saysTaken: Bool) async throws {
        let runtime = try Self.runtime()
        let reactor = runtime.reactor
        defer { runtime.shutdown() }
        let (own, peer) = try UnixSocket.pair(kind: .stream)
        let (near, far) = (try ControlConnection(own, runtime: runtime), try ControlConnection(peer, runtime: runtime))
        defer {
            near.close()
            far.close()
        }
        let link = Self.link(reactor)
        try near.start { _ in }
        PeerMonitor(link, processes: runtime.processes, reactor: reactor, mailbox: nil).start(near, startTime: 0)
        link.inbound.prepare()
        link.outbound.prepare()
        try far.send(saysTaken ? .taken(link.agreement.link, 3) : .bell(link.agreement.link))
        #expect(await link.inbound.suspend(deadline: .after(.seconds(20)), reactor: reactor) == .woken)
        #expect(await link.outbound.suspend(deadline: .after(.seconds(20)), reactor: reactor) == .woken)
        #expect(link.peerTook == (saysTaken ? 3 : nil))
    }

    /// What the socket cut off goes out when there is room, without another frame to push it.
    @Test func aBellCutShortIsCompleted() throws {
        let runtime = try Self.runtime()
        defer { runtime.shutdown() }
        let (own, peer) = try UnixSocket.pair(kind: .stream)
        let connection = try ControlConnection(own, runtime: runtime)
        defer { connection.close() }
        try connection.start { _ in }
        // More than a socket holds, so that it is cut.
        let frame = [UInt8](repeating: 7, count: 4 << 20)
        connection.ring(frame)
        var arrived = 0
        while arrived < frame.count {
            let events = try peer.poll(.readable, deadline: .after(.seconds(20)))
            try #require(!events.isEmpty, "only \(arrived) of \(frame.count) bytes came")
            // The buffer is the callee's for the call only.
            let result = unsafe try withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 8) {
                unsafe try peer.receive(into: $0)
            }
            guard case .bytes(let count) = result else { continue }
            arrived += count
        }
        #expect(arrived == frame.count)
    }
}
