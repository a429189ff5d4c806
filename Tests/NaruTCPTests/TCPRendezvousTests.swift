// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

@testable import NaruTCP

/// Ends that meet at an address.
@Suite(.serialized, .timeLimit(.minutes(2))) struct TCPRendezvousTests {
    private func exchange(_ ends: (sender: Sender, receiver: Receiver)) async throws {
        for number in 0..<100 { try await ends.sender.send([UInt8(number), 7]) }
        try await ends.sender.flush()
        for number in 0..<100 {
            let first = try await ends.receiver.receive(deadline: .after(.seconds(30))) { view in
                view.bytes.byteCount == 2 ? [UInt8](copying: view.bytes)[0] : 255
            }
            #expect(first == UInt8(number))
        }
    }

    @Test(arguments: ["127.0.0.1", "::1", "localhost", "127.0.0.5"])
    func loopbackAddressesLink(_ host: String) async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        let (listener, address) = try place.listen(host)
        let ends = try await place.link(listener, address)
        try await exchange(ends)
        let agreement = ends.0.control.agreement
        #expect(agreement.transport == .tcp)
        // Nobody proved that they share a host: they have no transport that needs one.
        #expect(agreement.relation.locality == .remote)
        #expect(ends.0.control.peer == nil)
    }

    @Test func aListenerMayStartLaterThanItsDialer() async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        // A port that is free now.
        let (first, address) = try place.listen()
        first.close()
        let dialer = place.dialer
        let dialed = Task {
            let sender = try await dialer.sender(address, deadline: .after(.seconds(60)))
            try await sender.send([1, 2, 3])
            try await sender.finish()
        }
        let receiver = try await place.listener.receiver(address, deadline: .after(.seconds(60)))
        #expect(try await receiver.receive { $0.bytes.byteCount } == 3)
        #expect(try await receiver.receive { $0.bytes.byteCount } == nil)
        try await dialed.value
    }

    @Test func nobodyIsSaidWithTheReason() async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        let (first, address) = try place.listen()
        first.close()
        for deadline in [Deadline.now, .after(.milliseconds(100))] {
            let error = await failure { _ = try await place.dialer.sender(address, deadline: deadline) }
            #expect(error?.code == .unreachable)
            #expect(error?.reason.contains(address.description) == true, "\(error?.description ?? "")")
        }
    }

    @Test func twoNamesAtOnePortDoNotMeet() async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        let (listener, address) = try place.listen(name: "frames")
        let other = Address.network(NetworkPlace(scheme: "tcp", host: "127.0.0.1", port: address.port, name: "other"))
        let error = await failure { _ = try await place.dialer.sender(other, deadline: .after(.seconds(30))) }
        #expect(error?.code == .refused)
        #expect(error?.reason.contains("`other`") == true)
        try await exchange(try await place.link(listener, address))
    }

    @Test func onePortHasOneListener() async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        let (listener, address) = try place.listen()
        let error = await failure { _ = try place.dialer.listener(address) }
        #expect(error?.code == .busy)
        listener.close()
        // And is free again at once.
        try place.dialer.listener(address).close()
    }

    @Test(arguments: ["0.0.0.0", "*", "::", "192.0.2.7", "::ffff:192.0.2.7"])
    func anAddressThatIsNotLoopbackNeedsTheConfiguration(_ host: String) async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        let address = Address.network(NetworkPlace(scheme: "tcp", host: host, port: 9))
        let listening = await failure { _ = try place.listener.listener(address) }
        #expect(listening?.code == .refused)
        #expect(listening?.reason.contains("loopback") == true)
        #expect(listening?.remedy?.contains("`insecure`") == true)
        if host == "*" { return }
        let dialing = await failure { _ = try await place.dialer.sender(address, deadline: .after(.seconds(30))) }
        #expect(dialing?.code == .refused)
        #expect(dialing?.remedy?.contains("`insecure`") == true)
    }

    @Test(arguments: ["0.0.0.0", "*"]) func withItEveryAddressIsListenedAt(_ host: String) async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        let (listener, address) = try place.listen(host, request: LinkRequest(insecure: true))
        let near = Address.network(NetworkPlace(scheme: "tcp", host: "127.0.0.1", port: address.port))
        try await exchange(try await place.link(listener, near))
    }

    @Test func anAddressOfAnotherHostIsSaidToBe() async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        let address = Address.network(NetworkPlace(scheme: "tcp", host: "192.0.2.7", port: 0))
        let error = await failure { _ = try place.listener.listener(address, LinkRequest(insecure: true)) }
        #expect(error?.reason.contains("no address of this host") == true, "\(error?.description ?? "")")
    }

    @Test func aNameWithoutAnAddressIsSaidToBeAndHoldsNobodyUp() async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        // A name that no resolver may know (RFC 6761).
        let address = Address.network(NetworkPlace(scheme: "tcp", host: "nowhere.invalid", port: 9))
        let error = await failure { _ = try await place.dialer.sender(address, deadline: .after(.milliseconds(300))) }
        #expect(error?.code == .unreachable)
        let task = Task { [dialer = place.dialer] in
            await failure { _ = try await dialer.sender(address, deadline: .never) }
        }
        task.cancel()
        #expect(await task.value?.code == .cancelled)
    }

    @Test func aSchemeWithoutAPluginIsSaidToBeMissing() async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        let address = Address.network(NetworkPlace(scheme: "pigeon", host: "127.0.0.1", port: 9))
        let error = await failure { _ = try await place.dialer.sender(address) }
        #expect(error?.code == .unsupported)
    }

    @Test func aChannelGoesBothWays() async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        let request = LinkRequest(requirements: Requirements(direction: .duplex))
        let (listener, address) = try place.listen(request: request)
        let near = try await place.dialer.channel(address, request, deadline: .after(.seconds(30)))
        let far = try #require(try await listener.nextChannel(deadline: .after(.seconds(30))))
        for number in UInt8(0)..<50 {
            try await near.sender.send([number])
            #expect(try await far.receiver.receive { [UInt8](copying: $0.bytes) } == [number])
            try await far.sender.send([number, number])
            #expect(try await near.receiver.receive { [UInt8](copying: $0.bytes) } == [number, number])
        }
    }

    /// What was handed over before the sender went is received, although the news of its going comes first.
    @Test(arguments: [1000, 200_000]) func whatIsOnItsWayArrives(_ byteCount: Int) async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        let (listener, address) = try place.listen()
        let (sender, receiver) = try await place.link(listener, address)
        let message = [UInt8](repeating: 5, count: byteCount)
        var sent = 0
        // Borrowed for the call.
        while unsafe try sender.trySend(message.span.bytes) { sent += 1 }
        while true {
            // Until the kernel has it all: it takes no more than the other end's kernel has room for.
            let code = await failure { try await sender.flush(deadline: .after(.milliseconds(200))) }?.code
            if code == nil { break }
            #expect(code == .deadlineExceeded)
            #expect(try await receiver.receive { $0.bytes.byteCount } == byteCount)
            sent -= 1
        }
        sender.close()
        var taken = 0
        let error = await failure {
            try await receiver.forEach { view in
                #expect(view.bytes.byteCount == byteCount)
                taken += 1
            }
        }
        #expect(error?.code == .peerVanished)
        #expect(taken == sent)
    }
}
