// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Logging
import NaruConformance
import NaruSystem
import Testing

@testable import NaruCore
@testable import NaruTCP

/// Ends that met over TCP and come together on their host, and those who want to come in that way and may not.
@Suite(.serialized, .timeLimit(.minutes(2))) struct LocalWayTests {
    /// A transport that needs one host and never opens: what it takes for the two to want to come together.
    private struct Nearby: Transport {
        var name: TransportName { "nearby" }

        func probe() -> CapabilityRecord {
            CapabilityRecord(
                transport: name, localities: [.sameProcess, .sameHost], directions: [.simplex, .duplex],
                properties: [.confirmed])
        }

        func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
            throw NaruError(.unsupported, operation: "open", object: "nearby", reason: "it never opens")
        }
    }

    private static func runtime() throws -> Runtime {
        try Runtime(
            transports: [TCPTransport(), Nearby()], directories: RuntimeDirectories(["/nowhere"]),
            rendezvous: [TCPRendezvous()], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func listen(_ runtime: Runtime, _ request: LinkRequest = LinkRequest()) throws -> (Listener, NetworkPlace) {
        let listener = try runtime.listener(
            .network(NetworkPlace(scheme: "tcp", host: "127.0.0.1", port: 0)), request)
        guard case .network(let place) = try Address(parsing: listener.address) else { throw Unexpected() }
        return (listener, place)
    }

    private func link(
        _ runtime: Runtime, _ listener: Listener, _ place: NetworkPlace, _ request: LinkRequest = LinkRequest()
    ) async throws -> Agreement {
        let sender = try await runtime.sender(.network(place), request, deadline: .after(.seconds(30)))
        let receiver = try #require(try await listener.nextReceiver(deadline: .after(.seconds(30))))
        try await sender.send([1, 2])
        #expect(try await receiver.receive { $0.bytes.byteCount } == 2)
        return sender.control.agreement
    }

    @Test func endsOfOneProcessFindThatOut() async throws {
        let runtime = try Self.runtime()
        defer { runtime.shutdown() }
        let (listener, place) = try listen(runtime)
        let agreement = try await link(runtime, listener, place)
        #expect(agreement.relation.locality == .sameProcess)
        #expect(agreement.transport == .tcp)
    }

    @Test(arguments: [true, false]) func eitherEndMayForbidIt(_ isDialers: Bool) async throws {
        let runtime = try Self.runtime()
        defer { runtime.shutdown() }
        let forbidding = LinkRequest(requirements: Requirements(deny: ["nearby"]))
        let (listener, place) = try listen(runtime, isDialers ? LinkRequest() : forbidding)
        let agreement = try await link(runtime, listener, place, isDialers ? forbidding : LinkRequest())
        #expect(agreement.relation.locality == .remote)
        #expect(agreement.relation.evidence?.isEmpty == false)
    }

    /// What the two can do on one host is nothing, but over the network they can: they go back to it.
    @Test func aLocalWayThatLeadsNowhereIsLeftAgain() async throws {
        let runtime = try Self.runtime()
        defer { runtime.shutdown() }
        let (listener, place) = try listen(runtime)
        // A proxy of the listener's port that sends its own door.
        let proxy = try Proxy(target: place, door: .dead)
        defer { proxy.end() }
        let agreement = try await link(runtime, listener, proxy.place)
        #expect(agreement.relation.locality == .remote)
        #expect(agreement.relation.evidence?.contains("local way failed") == true, "\(agreement.relation)")
    }

    @Test func aDoorThatIsNotThereKeepsThemOnTheNetwork() async throws {
        let runtime = try Self.runtime()
        defer { runtime.shutdown() }
        let (listener, place) = try listen(runtime)
        let proxy = try Proxy(target: place, door: .missing)
        defer { proxy.end() }
        let agreement = try await link(runtime, listener, proxy.place)
        #expect(agreement.relation.locality == .remote)
        #expect(agreement.relation.evidence?.contains("not in the dialer's network namespace") == true)
    }

    /// Nobody comes in by the door without having been invited, or twice.
    @Test func onlyTheInvitedComeInOnce() async throws {
        let runtime = try Self.runtime()
        defer { runtime.shutdown() }
        let (listener, place) = try listen(runtime)
        let target = try #require(InetAddress(place.host, port: place.port))
        let network = try TCPSocket.connect(to: target)
        _ = try network.poll(.writable, deadline: .after(.seconds(30)))
        _ = try network.send(Preamble.control.bytes)
        let head = try exactly(4, network)
        let body = try exactly(Int(head[0]), network)
        guard case .invite(let invitation) = try ControlFrame(body: body[...]) else { throw Unexpected() }
        #expect(!invitation.door.isEmpty)
        let wrong = try ControlFrame.visit(.random()).encoded()
        let right = try ControlFrame.visit(invitation.nonce).encoded()
        // Something that a visitor may not say before it said why it is there.
        let refusal = HandshakeRefusal(code: .closed, reason: "x", remedy: nil)
        let early = try ControlFrame.message(.refuse(refusal)).encoded()
        for words in [wrong, early, right + right] {
            let visitor = try UnixSocket.connect(abstract: invitation.door)
            _ = try visitor.send(words)
            #expect(try hasEnded(visitor))
        }
        // The nonce was used.
        let late = try UnixSocket.connect(abstract: invitation.door)
        _ = try late.send(right)
        #expect(try hasEnded(late))
        #expect(try await link(runtime, listener, place).relation.locality == .sameProcess)
    }

    /// The door goes with the listener.
    @Test func theDoorIsClosedWithTheListener() async throws {
        let runtime = try Self.runtime()
        defer { runtime.shutdown() }
        let way = try LocalWay(runtime.reactor)
        let invitation = way.invite()
        try UnixSocket.connect(abstract: invitation.door).close()
        #expect(way.admits(invitation.nonce))
        #expect(!way.admits(invitation.nonce))
        way.close()
        #expect { try UnixSocket.connect(abstract: invitation.door) } throws: { error in
            (error as? SystemError)?.errno == SystemErrno.connectionRefused
        }
    }

    @Test func invitationsThatNobodyFollowsAreForgotten() throws {
        let runtime = try Self.runtime()
        defer { runtime.shutdown() }
        let way = try LocalWay(runtime.reactor)
        let first = way.invite()
        for _ in 0..<256 { _ = way.invite() }
        #expect(!way.admits(first.nonce))
        way.close()
    }

    private func exactly(_ count: Int, _ socket: Descriptor) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            try #require(try !socket.poll(.readable, deadline: .after(.seconds(30))).isEmpty)
            guard let more = try socket.receive(upTo: count - bytes.count) else { throw Unexpected() }
            bytes += more
        }
        return bytes
    }

    /// Waits until the other end closes, whatever it says before.
    private func hasEnded(_ socket: Descriptor) throws -> Bool {
        while true {
            try #require(try !socket.poll(.readable, deadline: .after(.seconds(30))).isEmpty)
            do throws(SystemError) {
                if try socket.receive(upTo: 4096) == nil { return true }
            } catch {
                return true
            }
        }
    }
}
