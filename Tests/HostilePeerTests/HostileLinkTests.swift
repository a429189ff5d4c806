// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@testable import NaruCore

/// What a peer says wrong while the link is up: the link closes with the reason, the process and its other links go on.
@Suite(.serialized, .timeLimit(.minutes(3))) struct HostileLinkTests {
    /// What a peer says on the control connection of a link that is up.
    struct Words: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let say: @Sendable (RawEnd, LinkID) throws -> Void

        init(_ name: String, _ say: @escaping @Sendable (RawEnd, LinkID) throws -> Void) {
            testDescription = name
            self.say = say
        }

        init(_ name: String, frame: @escaping @Sendable (LinkID) throws -> ControlFrame) {
            self.init(name) { raw, link in try raw.send(.init(frame(link))) }
        }
    }

    static let words = [
        Words("another ready") { .message(.ready($0)) },
        Words("another HELLO") { raw, _ in try raw.sayHello() },
        Words("another proposal") { raw, _ in try raw.proposeAgain() },
        Words("an opening message of nothing") { .opening($0, [], descriptorCount: 0) },
        Words("an opening message of 16 KiB") { .opening($0, Array(repeating: 3, count: 16_384), descriptorCount: 0) },
        Words("an opening message of another link") { _ in .opening(.random(), [1], descriptorCount: 0) },
        Words("descriptors instead of a ring") { raw, link in
            try raw.send(
                .init(
                    .opening(link, [1] + Array(repeating: 0, count: 72), descriptorCount: 2),
                    descriptors: HostileHandshakeTests.descriptors(2)))
        },
        Words("an answer to an offer that was never made") {
            .opening($0, [2] + Array(repeating: 7, count: 8), descriptorCount: 0)
        },
        Words("an acknowledgement of another link") { _ in .taken(.random(), 1) },
        Words("the end of another link") { _ in .closing(.random(), finished: true) },
        Words("a descriptor with a bell") { raw, link in
            try raw.send(.init(.bell(link), descriptors: HostileHandshakeTests.descriptors(1)))
        },
        Words("253 descriptors with a bell") { raw, link in
            try raw.send(.init(.bell(link), descriptors: HostileHandshakeTests.descriptors(253)))
        },
        Words("an opening message that announces more descriptors than it has") {
            .opening($0, [1], descriptorCount: 3)
        },
        Words("a type that there is not") { raw, _ in try raw.send(.init(bytes: [1, 0, 0, 0, 77])) },
        Words("a length above all") { raw, _ in try raw.send(.init(bytes: [255, 255, 255, 127])) },
        Words("an empty message") { raw, _ in try raw.send(.init(bytes: [0, 0, 0, 0])) },
    ]

    @Test(arguments: words, Victim.transports)
    func theLinkClosesAndSaysWhy(_ words: Words, _ transport: TransportName) async throws {
        let victim = try Victim(transport)
        let listener = try victim.runtime.listener(victim.address)
        defer { listener.close() }
        let raw = try victim.dialer()
        defer { raw.close() }
        try raw.run()
        let receiver = try #require(try await listener.nextReceiver(deadline: .after(.seconds(20))))
        let link = try #require(raw.agreement).link
        try words.say(raw, link)
        let code = try await error { _ = try await receiver.receive(deadline: .after(.seconds(20))) { _ in } }?.code
        #expect(code == .protocolViolation)
        #expect(receiver.control.closeReason?.code == .protocolViolation)
        #expect(receiver.control.counters.violations == 1)
        try await victim.expectUnharmed()
    }

    /// Bells wake, and no more, however many there are.
    @Test(arguments: Victim.transports)
    func aFloodOfBellsIsHarmless(_ transport: TransportName) async throws {
        let victim = try Victim(transport)
        let listener = try victim.runtime.listener(victim.address)
        defer { listener.close() }
        let raw = try victim.dialer()
        defer { raw.close() }
        try raw.run()
        let receiver = try #require(try await listener.nextReceiver(deadline: .after(.seconds(20))))
        let link = try #require(raw.agreement).link
        let bell = try RawEnd.Outgoing(.bell(link))
        for _ in 0..<50_000 { try raw.send(bell) }
        let outbound = try #require(raw.lanes.outbound)
        #expect(try unsafe outbound.trySend(RecordHeader(), RawSpan(), ([9] as [UInt8]).span.bytes))
        #expect(try outbound.flush())
        try raw.send(bell)
        let found = try await receiver.receive(deadline: .after(.seconds(20))) { [UInt8](copying: $0.bytes) }
        #expect(found == [9])
        #expect(receiver.control.closeReason == nil)
        try await victim.expectUnharmed()
    }

    /// A receiver that says it took more than was sent, or less.
    @Test(arguments: Victim.transports, [0, 2, 77, UInt64.max])
    func aWrongAcknowledgementIsAViolation(_ transport: TransportName, _ count: UInt64) async throws {
        let victim = try Victim(transport)
        let socket = try UnixSocket.listen(path: victim.socketPath, backlog: 8, permissions: 0o600)
        let (runtime, address) = (victim.runtime, victim.address)
        let finished = Finished()
        let thread = try SystemThread(name: "finish") {
            finished.note {
                let sender = try runtime.blocking.sender(address, deadline: .after(.seconds(20)))
                try sender.blocking.send([1, 2, 3], deadline: .after(.seconds(20)))
                _ = try sender.blocking.finish(deadline: .after(.seconds(20)))
            }
        }
        defer { thread.join() }
        try #require(try !socket.poll(.readable, deadline: .after(.seconds(20))).isEmpty)
        let raw = try victim.accepted(socket)
        defer { raw.close() }
        try raw.run()
        let link = try #require(raw.agreement).link
        try raw.send(.init(.taken(link, count)))
        #expect(try raw.isTurnedAway())
        thread.join()
        #expect(finished.code == .protocolViolation)
    }

    /// What waits for a peer that does not read its control connection is bounded.
    @Test func aPeerThatNeverReadsIsGivenUp() throws {
        let victim = try Victim(.unixSocket)
        let (own, peer) = try UnixSocket.pair(kind: .stream)
        let connection = try ControlConnection(own, runtime: victim.runtime)
        let over = try EventCounter()
        try connection.start { event in
            if case .hangUp = event { over.signal() }
        }
        for _ in 0..<20_000 { try connection.send(.taken(.random(), 1)) }
        #expect(try !over.descriptor.poll(.readable, deadline: .after(.seconds(20))).isEmpty)
        withExtendedLifetime(peer) {}
    }

    private func error(_ body: () async throws -> Void) async throws -> NaruError? {
        do {
            try await body()
            return nil
        } catch let error as NaruError {
            return error
        }
    }
}
