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

    /// What the kernel has no memory for is sent once it has, and the frame after it stays behind it.
    @Test(arguments: [SystemErrno.noBuffers, SystemErrno.noMemory, SystemErrno.interrupted])
    func aBellThatTheKernelRefusesIsSentLater(_ errno: Int32) throws {
        let runtime = try Self.runtime()
        defer { runtime.shutdown() }
        let (own, peer) = try UnixSocket.pair(kind: .stream)
        let refusals = Mutex(3)
        let connection = try ControlConnection(own, runtime: runtime) {
            socket, bytes, offset, descriptors, credentials throws(SystemError) in
            let isRefused = refusals.withLock { left in
                left -= 1
                return left >= 0
            }
            if isRefused { throw SystemError(function: "sendmsg", object: "test", errno: errno) }
            return try ControlConnection.transmit(socket, bytes, offset, descriptors, credentials)
        }
        defer { connection.close() }
        try connection.start { _ in }
        connection.ring([1, 2, 3])
        let link = LinkID.random()
        try connection.send(.taken(link, 9))
        let expected = [1, 2, 3] + (try ControlFrame.taken(link, 9).encoded())
        #expect(try Self.read(peer, expected.count) == expected)
        #expect(refusals.withLock { $0 } < 0)
    }

    /// A connection whose peer is gone still tells what the peer said before it went.
    @Test func whatThePeerSaidComesBeforeAFailureToSend() throws {
        let runtime = try Self.runtime()
        let reactor = runtime.reactor
        defer { runtime.shutdown() }
        let (own, peer) = try UnixSocket.pair(kind: .stream)
        let near = try ControlConnection(own, runtime: runtime)
        let link = Self.link(reactor)
        let (busy, free, over) = (try EventCounter(), try EventCounter(), try EventCounter())
        link.onClose { _ in over.signal() }
        try near.start { _ in }
        PeerMonitor(link, processes: runtime.processes, reactor: reactor, mailbox: nil).start(near, startTime: 0)
        // The reactor is kept from the connection until more waits to be sent than the socket holds, and the peer went.
        reactor.perform {
            busy.signal()
            _ = try? free.descriptor.poll(.readable, deadline: .after(.seconds(20)))
        }
        #expect(try !busy.descriptor.poll(.readable, deadline: .after(.seconds(20))).isEmpty)
        for _ in 0..<1000 { try near.send(.taken(link.agreement.link, 1)) }
        let frame = try ControlFrame.closing(link.agreement.link, finished: true).encoded()
        _ = unsafe try frame.withUnsafeBytes { bytes throws(SystemError) in unsafe try peer.write(bytes) }
        peer.close()
        free.signal()
        #expect(try !over.descriptor.poll(.readable, deadline: .after(.seconds(20))).isEmpty)
        #expect(link.closeReason == .finished)
    }

    /// Reads this many bytes, waiting a bounded time for each part.
    private static func read(_ peer: Descriptor, _ count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let events = try peer.poll(.readable, deadline: .after(.seconds(20)))
            try #require(!events.isEmpty, "only \(bytes) came")
            var part = [UInt8](repeating: 0, count: count - bytes.count)
            // The buffer is the callee's for the call only.
            let result = unsafe try part.withUnsafeMutableBytes { buffer throws(SystemError) in
                unsafe try peer.receive(into: buffer)
            }
            guard case .bytes(let more) = result else { break }
            bytes += part[..<more]
        }
        return bytes
    }
}
