// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import FoundationEssentials
import Naru
import NaruSystem
import Testing

/// Messages over the umbrella: two of them in this process, which meet in a folder of the test's own.
@Suite struct NaruTests {
    let place: Place

    init() throws { place = try Place() }

    static let messages: [[UInt8]] =
        [[], [7], Array("hello".utf8)]
        + (0..<200).map { [UInt8](repeating: UInt8($0), count: $0 * 37) }
        + [[UInt8](repeating: 0xA5, count: 300_000)]

    /// What a receiver got, and by which transport.
    struct Received: Sendable {
        var messages: [[UInt8]] = []
        var transport: TransportName?
    }

    static func copy(_ span: RawSpan) -> [UInt8] {
        // The buffer is used inside the closure alone.
        unsafe span.withUnsafeBytes { unsafe Array($0) }
    }

    static func receiveAll(_ naru: Naru, _ link: String) -> Task<Received, any Error> {
        Task {
            let receiver = try await naru.receiver(link, deadline: .after(.seconds(60)))
            var received = Received(transport: receiver.decision.chosen?.transport)
            try await receiver.forEach { received.messages.append(copy($0.bytes)) }
            return received
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: ["auto", "in-process", "shared-memory", "unix-socket"])
    func sendAndReceive(_ transport: String) async throws {
        try place.write(#"{"links": {"frames": {"transports": ["\#(transport)"]}}}"#)
        let (here, there) = (try await place.naru(), try await place.naru())
        let receiving = Self.receiveAll(here, "frames")
        let sender = try await there.sender("frames", deadline: .after(.seconds(60)))
        for message in Self.messages { try await sender.send(message) }
        #expect(try await sender.finish(deadline: .after(.seconds(60))) == .taken)
        let received = try await receiving.value
        #expect(received.messages == Self.messages)
        let expected = transport == "auto" ? TransportName.inProcess : TransportName(transport)
        #expect(received.transport == expected)
        #expect(sender.decision.chosen?.transport == expected)
        await here.shutdown()
        await there.shutdown()
    }

    /// What a lane lends for a batch holds more than the link permits.
    @Test(.timeLimit(.minutes(2)), arguments: ["in-process", "shared-memory"], [500, 2_000])
    func aBatchKeepsToTheMaximum(_ transport: String, most: Int) async throws {
        try place.write(
            #"{"links": {"frames": {"transports": ["\#(transport)"], "maximumMessageBytes": \#(most)}}}"#)
        let (here, there) = (try await place.naru(), try await place.naru())
        let receiving = Self.receiveAll(here, "frames")
        let sender = try await there.sender("frames", deadline: .after(.seconds(60)))
        let largest = [UInt8](repeating: 1, count: most)
        let (whole, excess) = (OwnedMessage(largest), OwnedMessage(largest + [2]))
        try sender.batch { batch in
            // The first goes by itself, the others into what the lane lends then.
            var accepted = 0
            for _ in 0..<3 where try batch.send(whole.bytes) { accepted += 1 }
            var code: NaruError.Code?
            do throws(NaruError) { _ = try batch.send(excess.bytes) } catch { code = error.code }
            #expect(code == .messageTooLarge)
            if try batch.send(whole.bytes) { accepted += 1 }
            #expect(accepted == 4)
        }
        #expect(try await sender.finish(deadline: .after(.seconds(60))) == .taken)
        #expect(try await receiving.value.messages == [largest, largest, largest, largest])
        await here.shutdown()
        await there.shutdown()
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: !Naru.codecs.isEmpty))
    func compressed() async throws {
        let environment = [
            "NARU_LINKS_FRAMES_COMPRESSION": "zstd:3", "NARU_LINKS_FRAMES_TRANSPORTS": "unix-socket",
        ]
        let (here, there) = (try await place.naru(environment), try await place.naru(environment))
        let receiving = Self.receiveAll(here, "frames")
        let sender = try await there.sender("frames", deadline: .after(.seconds(60)))
        for message in Self.messages { try await sender.send(message) }
        try await sender.finish(deadline: .after(.seconds(60)))
        #expect(try await receiving.value.messages == Self.messages)
        let counters = sender.control.counters
        #expect(counters.wireBytesSent < counters.bytesSent / 4)
        await here.shutdown()
        await there.shutdown()
    }

    @Test(.timeLimit(.minutes(2)), arguments: ["in-process", "shared-memory", "unix-socket"])
    func channels(_ transport: String) async throws {
        let environment = ["NARU_LINKS_TALK_TRANSPORTS": transport]
        let (here, there) = (try await place.naru(environment), try await place.naru(environment))
        let listener = try here.listener("talk", direction: .duplex)
        let answering = Task {
            let channel = try #require(try await listener.nextChannel(deadline: .after(.seconds(60))))
            let text = try #require(try await channel.receive { Self.copy($0.bytes) })
            try await channel.send(text.reversed())
            try await channel.sender.finish(deadline: .after(.seconds(60)))
        }
        let channel = try await there.channel("talk", deadline: .after(.seconds(60)))
        try await channel.send([1, 2, 3])
        #expect(try await channel.receive { Self.copy($0.bytes) } == [3, 2, 1])
        #expect(channel.decision.chosen?.transport == TransportName(transport))
        // The other end's `finish` waits until this one has taken everything.
        #expect(try await channel.receive { Self.copy($0.bytes) } == nil)
        try await answering.value
        listener.close()
        await here.shutdown()
        await there.shutdown()
    }

    @Test(.timeLimit(.minutes(2)))
    func blockingForms() async throws {
        let (here, there) = (try await place.naru(), try await place.naru())
        let received: Received = try await onThread {
            let receiver = try here.blocking.receiver("frames", deadline: .after(.seconds(60)))
            var received = Received(transport: receiver.decision.chosen?.transport)
            try receiver.blocking.forEach { received.messages.append(Self.copy($0.bytes)) }
            return received
        } while: {
            let sender = try there.blocking.sender("frames", deadline: .after(.seconds(60)))
            for message in Self.messages { try sender.blocking.send(message) }
            try sender.blocking.finish(deadline: .after(.seconds(60)))
        }
        #expect(received.messages == Self.messages)
        #expect(received.transport == .inProcess)
        await here.shutdown()
        await there.shutdown()
    }

    @Test(.timeLimit(.minutes(2)))
    func oneNameInTwoFoldersIsTwoLinks() async throws {
        let other = try Place()
        let here = [try await place.naru(), try await other.naru()]
        let there = [try await place.naru(), try await other.naru()]
        let receiving = here.map { Self.receiveAll($0, "frames") }
        for (number, naru) in there.enumerated() {
            let sender = try await naru.sender("frames", deadline: .after(.seconds(60)))
            try await sender.send([UInt8(number)])
            try await sender.finish(deadline: .after(.seconds(60)))
        }
        #expect(try await receiving[0].value.messages == [[0]])
        #expect(try await receiving[1].value.messages == [[1]])
        for naru in here + there { await naru.shutdown() }
    }

    @Test(.timeLimit(.minutes(1)))
    func aSecondListenerIsRefused() async throws {
        let (here, there) = (try await place.naru(), try await place.naru())
        let listener = try here.listener("frames")
        #expect(await failure { _ = try there.listener("frames") }?.code == .busy)
        listener.close()
    }

    @Test(.timeLimit(.minutes(1)))
    func nobodyThere() async throws {
        let naru = try await place.naru()
        let error = await failure { _ = try await naru.sender("frames", deadline: .now) }
        #expect(error?.code == .unreachable || error?.code == .deadlineExceeded)
        #expect(error.map { "\($0)".contains(place.path) } == true, "it says where it looked")
    }

    @Test(.timeLimit(.minutes(1)))
    func configuredDirectionsBindTheEndpoints() async throws {
        let naru = try await place.naru(["NARU_LINKS_X_DIRECTION": "duplex", "NARU_LINKS_Y_DIRECTION": "simplex"])
        #expect(await failure { _ = try await naru.sender("x") }?.code == .invalidConfiguration)
        #expect(await failure { _ = try await naru.receiver("x") }?.code == .invalidConfiguration)
        #expect(await failure { _ = try await naru.channel("y") }?.code == .invalidConfiguration)
        #expect(await failure { _ = try naru.listener("y", direction: .duplex) }?.code == .invalidConfiguration)
    }

    @Test(.timeLimit(.minutes(1)))
    func shutdownIsIdempotent() async throws {
        let naru = try await place.naru()
        await naru.shutdown()
        await naru.shutdown()
        naru.blocking.shutdown()
        #expect(await failure { _ = try await naru.sender("frames") }?.code == .closed)
        #expect(await failure { _ = try await naru.receiver("frames") }?.code == .closed)
        #expect(await failure { _ = try await naru.channel("frames") }?.code == .closed)
        #expect(await failure { _ = try naru.listener("frames") }?.code == .closed)
        #expect(await failure { _ = try naru.blocking.sender("frames") }?.code == .closed)
    }

    @Test func theStandardSourcesAreTheProcesss() throws {
        let sources = ConfigurationSources.standard
        #expect(sources.environment == ProcessInfo.processInfo.environment)
        #expect(sources.workingDirectory == FileManager.default.currentDirectoryPath)
    }

    /// Runs both on threads of their own, and returns what the first returns.
    func onThread<R: Sendable>(
        _ first: @escaping @Sendable () throws -> R, while second: @escaping @Sendable () throws -> Void
    ) async throws -> R {
        func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
            try await withCheckedThrowingContinuation { continuation in
                do {
                    _ = try SystemThread(name: "test") { continuation.resume(with: Result { try body() }) }
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
        async let other: Void = run(second)
        let result = try await run(first)
        try await other
        return result
    }
}
