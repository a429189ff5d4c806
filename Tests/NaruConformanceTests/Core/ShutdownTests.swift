// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruSystem
import Testing

@testable import NaruCore

/// A runtime's end: every link of it closes, everybody who waits is told.
@Suite(.timeLimit(.minutes(1))) struct ShutdownTests {
    @Test(arguments: MemoryTransport.Temper.allCases)
    func aReceiveThatWaitsEndsWithItsRuntime(_ temper: MemoryTransport.Temper) async throws {
        let pair = try RuntimePair([MemoryTransport(temper)])
        let (sender, receiver) = try await pair.connect(LinkRequest(requirements: Requirements(wait: .power)))
        let control = receiver.control
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let isWaiting = try await eventually { control.counters.receiveWaits > 0 }
                #expect(isWaiting)
                await onThread { pair.listener.shutdown() }
            }
            let code = try await naruError {
                _ = try await receiver.receive(deadline: .after(.seconds(30))) { _ in }
            }?.code
            #expect(code == .closed)
            try await group.waitForAll()
        }
        #expect(try await eventually { sender.control.closeReason != nil })
        #expect(sender.control.closeReason?.code == .peerVanished)
    }

    @Test func afterAShutdownNothingBegins() async throws {
        let pair = try RuntimePair([MemoryTransport()])
        let listener = try pair.listener.listener(pair.address)
        await onThread { pair.dialer.shutdown() }
        await onThread { pair.dialer.shutdown() }
        let error = try await naruError {
            _ = try await pair.dialer.sender(pair.address, deadline: .after(.seconds(2)))
        }
        #expect(error != nil)
        let listening = try await naruError { _ = try pair.dialer.listener(.local(name: "other")) }
        #expect(listening != nil)
        listener.close()
    }

    @Test func anAcceptThatWaitsEndsWithItsRuntime() async throws {
        let pair = try RuntimePair([MemoryTransport()])
        let listener = try pair.listener.listener(pair.address)
        try await withThrowingTaskGroup(of: NaruError?.self) { group in
            group.addTask {
                try await naruError { _ = try await listener.nextReceiver(deadline: .after(.seconds(10))) }
            }
            await onThread { pair.listener.shutdown() }
            let error = try await group.next() ?? nil
            #expect(error?.code == .closed)
        }
        listener.close()
    }

    @Test(arguments: [true, false])
    func aDialThatWaitsEndsWithItsRuntime(_ somebodyListens: Bool) async throws {
        let pair = try RuntimePair([MemoryTransport()])
        let mute = somebodyListens ? try UnixSocket.listen(path: pair.socketPath, backlog: 8, permissions: 0o600) : nil
        try await withThrowingTaskGroup(of: NaruError?.self) { group in
            group.addTask {
                try await naruError { _ = try await pair.dialer.sender(pair.address, deadline: .after(.seconds(10))) }
            }
            // It waits for an answer, or for somebody to listen.
            var connection: Descriptor?
            if let mute {
                let isConnected = try await eventually {
                    connection = try UnixSocket.accept(mute)
                    return connection != nil
                }
                #expect(isConnected)
            } else {
                #expect(try await eventually { pair.dialer.openEndCount > 0 })
            }
            await onThread { pair.dialer.shutdown() }
            let error = try await group.next() ?? nil
            #expect(error?.code == .closed)
            connection?.close()
        }
        mute?.close()
    }

    @Test func endpointsOutliveTheReferenceToTheirRuntime() async throws {
        var pair: RuntimePair? = try RuntimePair([MemoryTransport()])
        let link = try #require(try await pair?.connect())
        try await expectWorks(link)
        pair = nil
        // Whether the link goes on or has ended, nobody is left waiting.
        let error = try await naruError {
            try await link.sender.send([1], deadline: .after(.seconds(20)))
            _ = try await link.receiver.receive(deadline: .after(.seconds(20))) { _ in }
        }
        #expect(error == nil || error?.code == .closed || error?.code == .peerVanished)
    }
}

/// Runs what blocks on a thread of its own.
private func onThread(_ body: @escaping @Sendable () -> Void) async {
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
        do {
            _ = try SystemThread(name: "test") {
                body()
                continuation.resume()
            }
        } catch {
            Issue.record(error)
            continuation.resume()
        }
    }
}
