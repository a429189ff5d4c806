// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

/// Streams that outlive their links.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ResumingTests {
    private func message(_ number: Int) -> [UInt8] {
        let count = number * 7919 % 20_001
        return (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } + [UInt8](repeating: 9, count: count)
    }

    /// Takes the messages of a stream and checks each.
    private func take(_ receiver: ResumingReceiver, _ count: Int) async throws {
        var taken = 0
        try await receiver.forEach { view in
            let expected = message(taken)
            guard view.sequence == UInt64(taken + 1), [UInt8](copying: view.bytes) == expected else {
                throw Unexpected()
            }
            taken += 1
        }
        #expect(taken == count)
        #expect(receiver.isFinished)
    }

    /// The wire is cut again and again: each message is taken once, in order.
    @Test(arguments: [64 << 10, 16 << 20]) func eachMessageIsTakenOnce(_ resumeBytes: Int) async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        let receiver = try place.listener.resumingReceiver(
            .network(NetworkPlace(scheme: "tcp", host: "127.0.0.1", port: 0)))
        guard case .network(let target) = try Address(parsing: receiver.address) else { throw Unexpected() }
        let proxy = try Proxy(target: target, cuts: .init(everyBytes: 500_000, count: 12))
        defer { proxy.end() }
        let dialer = place.dialer
        let address = Address.network(proxy.place)
        let sending = Task {
            do {
                let sender = try await dialer.resumingSender(address, policy: Resumption(resumeBytes: resumeBytes))
                for number in 0..<1000 { try await sender.send(message(number)) }
                try await sender.finish()
                #expect(sender.taken == 1000)
                return sender.reconnections
            } catch {
                Issue.record("the sender: \(error)")
                throw error
            }
        }
        try await take(receiver, 1000)
        #expect(try await sending.value >= 8)
        #expect(receiver.reconnections >= 8)
    }

    /// While the receiver's end is out of reach a send ends at its deadline, and the sender stays of use.
    @Test func aSendEndsAtItsDeadline() async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        let receiver = try place.listener.resumingReceiver(
            .network(NetworkPlace(scheme: "tcp", host: "127.0.0.1", port: 0)))
        guard case .network(let target) = try Address(parsing: receiver.address) else { throw Unexpected() }
        var proxy = try Proxy(target: target)
        let address = Address.network(proxy.place)
        let dialer = place.dialer
        let (begun, cut) = (try EventCounter(), try EventCounter())
        let sending = Task {
            let sender = try await dialer.resumingSender(address)
            try await sender.send(message(0))
            try await sender.awaitTaken()
            begun.signal()
            _ = try cut.descriptor.poll(.readable, deadline: .after(.seconds(30)))
            var number = 1
            var late = 0
            while number < 20 {
                do {
                    try await sender.send(message(number), deadline: .after(.milliseconds(50)))
                    number += 1
                } catch let error as NaruError where error.code == .deadlineExceeded {
                    late += 1
                }
            }
            try await sender.finish()
            return late
        }
        #expect(try await receiver.receive { $0.bytes.byteCount } == message(0).count)
        // Waits for what comes next, and so says how far it is.
        let waited = await failure { _ = try await receiver.receive(deadline: .after(.milliseconds(20))) { _ in } }
        #expect(waited?.code == .deadlineExceeded)
        _ = try begun.descriptor.poll(.readable, deadline: .after(.seconds(30)))
        proxy.end()
        proxy.cut()
        cut.signal()
        // Nothing listens at the proxy's port for a while.
        let lost = await failure { _ = try await receiver.receive(deadline: .after(.milliseconds(300))) { _ in } }
        #expect(lost?.code == .deadlineExceeded)
        proxy = try Proxy(target: target, at: proxy.place.port)
        defer { proxy.end() }
        var taken = 1
        try await receiver.forEach { view in
            #expect(view.bytes.byteCount == message(taken).count)
            taken += 1
        }
        #expect(taken == 20)
        #expect(try await sending.value > 0)
    }

    /// A receiver that was started again knows nothing of the stream: its sender says so, and which messages it is
    /// about.
    @Test func aRestartedReceiverDoesNotResume() async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        let first = try place.listener.resumingReceiver(
            .network(NetworkPlace(scheme: "tcp", host: "127.0.0.1", port: 0)))
        let address = try Address(parsing: first.address)
        let dialer = place.dialer
        let sending = Task {
            await failure {
                let sender = try await dialer.resumingSender(address)
                for number in 0..<100_000 { try await sender.send(message(number)) }
            }
        }
        for _ in 0..<10 { _ = try await first.receive { $0.sequence } }
        let runtime = place.listener
        runtime.shutdown()
        let again = try MeetingPlace()
        defer { again.end() }
        let second = try again.listener.resumingReceiver(address)
        let nobody = await failure { _ = try await second.receive(deadline: .after(.seconds(3))) { _ in } }
        #expect(nobody?.code == .deadlineExceeded)
        let error = await sending.value
        #expect(error?.reason.contains("restarted") == true, "\(error?.description ?? "none")")
        #expect(error?.reason.contains("not known to be taken") == true, "\(error?.description ?? "none")")
    }

    /// Another sender's stream is not mistaken for the one that was.
    @Test func anotherSenderBeginsAnotherStream() async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        let receiver = try place.listener.resumingReceiver(
            .network(NetworkPlace(scheme: "tcp", host: "127.0.0.1", port: 0)))
        let address = try Address(parsing: receiver.address)
        let dialer = place.dialer
        let sending = Task {
            let first = try await dialer.resumingSender(address)
            try await first.send([1])
            try await first.send([2])
            try await first.awaitTaken()
            first.close()
            let second = try await dialer.resumingSender(address)
            try await second.send([3])
            try await second.finish()
        }
        #expect(try await receiver.receive { copied($0) } == [1])
        #expect(try await receiver.receive { copied($0) } == [2])
        let error = await failure { _ = try await receiver.receive { copied($0) } }
        #expect(error?.code == .peerVanished)
        #expect(try await receiver.receive { ($0.sequence, copied($0)) }.map { $0 == (1, [3]) } == true)
        #expect(try await receiver.receive { copied($0) } == nil)
        try await sending.value
    }

    /// An end that does not resume is told from one that does.
    @Test func aPlainChannelIsNoReceiver() async throws {
        let place = try MeetingPlace()
        defer { place.end() }
        let request = LinkRequest(requirements: Requirements(direction: .duplex))
        let (listener, address) = try place.listen(request: request)
        let dialer = place.dialer
        let sending = Task { await failure { _ = try await dialer.resumingSender(address) } }
        let plain = try #require(try await listener.nextChannel(deadline: .after(.seconds(30))))
        _ = try await plain.receive { $0.bytes.byteCount }
        try await plain.send([1, 2, 3])
        #expect(await sending.value?.code == .protocolViolation)
    }

    private func copied(_ view: MessageView) -> [UInt8] { [UInt8](copying: view.bytes) }
}
