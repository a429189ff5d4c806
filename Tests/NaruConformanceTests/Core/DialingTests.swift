// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruCore
import NaruSystem
import Testing

/// Dialing and listening: deadlines, cancellation, peers that say nothing or the wrong thing.
@Suite(.timeLimit(.minutes(1))) struct DialingTests {
    @Test func aMuteListenerIsGivenUpAtTheDeadline() async throws {
        let pair = try RuntimePair([MemoryTransport()])
        let mute = try UnixSocket.listen(path: pair.socketPath, backlog: 8, permissions: 0o600)
        let error = try await naruError {
            _ = try await pair.dialer.sender(pair.address, deadline: .after(.milliseconds(50)))
        }
        #expect(error?.code == .deadlineExceeded)
        mute.close()
    }

    @Test func aDialThatIsCancelledInTheHandshakeSaysSo() async throws {
        let pair = try RuntimePair([MemoryTransport()])
        let mute = try UnixSocket.listen(path: pair.socketPath, backlog: 8, permissions: 0o600)
        try await withThrowingTaskGroup(of: NaruError?.self) { group in
            group.addTask {
                try await naruError { _ = try await pair.dialer.sender(pair.address, deadline: .after(.seconds(20))) }
            }
            // Until the dialer has connected, so that it is the handshake that is cancelled.
            #expect(try await eventually { try UnixSocket.accept(mute) != nil })
            group.cancelAll()
            let error = try await group.next() ?? nil
            #expect(error?.code == .cancelled)
        }
        mute.close()
    }

    @Test(arguments: [Role.dialer, .listener])
    func anOpeningThatStallsIsGivenUpAndLeavesNothing(_ role: Role) async throws {
        let stalling = StallingTransport(role)
        let pair = try RuntimePair([stalling, MemoryTransport()])
        let listener = try pair.listener.listener(pair.address)
        var begun = 0
        for isCancelled in [true, false] {
            for _ in 0..<10 {
                try await withThrowingTaskGroup(of: NaruError?.self) { group in
                    group.addTask {
                        try await naruError {
                            _ = try await pair.dialer.sender(
                                pair.address, deadline: .after(isCancelled ? .seconds(20) : .milliseconds(20)))
                        }
                    }
                    if isCancelled {
                        // Until its own opening waits, not that of the round before.
                        let before = begun
                        #expect(try await eventually { stalling.begun > before })
                        begun = stalling.begun
                        group.cancelAll()
                    }
                    let error = try await group.next() ?? nil
                    #expect(error?.code == (isCancelled ? .cancelled : .deadlineExceeded))
                }
            }
        }
        #expect(try await eventually { stalling.openings == 0 })
        listener.close()
    }

    @Test func peersThatSayNothingKeepNobodyOut() async throws {
        let pair = try RuntimePair([MemoryTransport()])
        let listener = try pair.listener.listener(pair.address)
        var mute: [Descriptor] = []
        for _ in 0..<200 { mute.append(try UnixSocket.connect(path: pair.socketPath)) }
        try await expectWorks(try await pair.connect(to: listener))
        withExtendedLifetime(mute) {}
        listener.close()
    }

    /// What is said by those who speak no Naru.
    static let rubbish: [[UInt8]] = [
        [], [0], [255, 255, 255, 255], [0, 0, 0, 0], [2, 0, 0, 0, 0x7b, 0x7d], [1, 0, 0, 0, 99],
        [4, 0, 0, 0, 0x7b, 0x22, 0x22, 0x7d], [UInt8](repeating: 0x7b, count: 70_000),
    ]

    @Test(arguments: rubbish)
    func peersThatSpeakAnotherLanguageAreLetGo(_ bytes: [UInt8]) async throws {
        let pair = try RuntimePair([MemoryTransport()])
        let listener = try pair.listener.listener(pair.address)
        let stranger = try UnixSocket.connect(path: pair.socketPath)
        // What the listener does not read before it hangs up is refused by the kernel.
        _ = unsafe try? bytes.withUnsafeBytes { unsafe try stranger.write($0) }
        if bytes.count <= 4, bytes.first != 255 { stranger.close() }
        try await expectWorks(try await pair.connect(to: listener))
        if bytes.count > 4 || bytes.first == 255 {
            let deadline = Deadline.after(.seconds(20))
            #expect(try stranger.poll(.readable, deadline: deadline).contains(.hangUp))
        }
        listener.close()
    }

    @Test func twoListenersOnOneNameAreOneTooMany() async throws {
        let pair = try RuntimePair([MemoryTransport()])
        let first = try pair.listener.listener(pair.address)
        let error = try await naruError { _ = try pair.dialer.listener(pair.address) }
        #expect(error?.code == .busy)
        try await expectWorks(try await pair.connect(to: first))
        first.close()
        first.close()
        let second = try pair.dialer.listener(pair.address)
        second.close()
    }

    @Test func aStaleSocketIsReplaced() async throws {
        let pair = try RuntimePair([MemoryTransport()])
        // Bound, never removed, and nobody behind it any more.
        try UnixSocket.listen(path: pair.socketPath, backlog: 1, permissions: 0o600).close()
        #expect(try FileSystem.status(pair.socketPath, followingSymbolicLinks: false).kind == .socket)
        try await expectWorks(try await pair.connect())
    }

    @Test func somethingThatIsNoSocketIsLeftAlone() async throws {
        let pair = try RuntimePair([MemoryTransport()])
        _ = try FileSystem.open(pair.socketPath, [.write, .create], permissions: 0o600)
        let error = try await naruError { _ = try pair.listener.listener(pair.address) }
        #expect(error?.code == .system)
        #expect(try FileSystem.status(pair.socketPath, followingSymbolicLinks: false).kind == .regular)
    }

    @Test func anAcceptThatWaitsEndsWithItsListener() async throws {
        let pair = try RuntimePair([MemoryTransport()])
        let listener = try pair.listener.listener(pair.address)
        try await withThrowingTaskGroup(of: NaruError?.self) { group in
            group.addTask { try await naruError { _ = try await listener.nextReceiver() } }
            listener.close()
            let error = try await group.next() ?? nil
            #expect(error?.code == .closed)
        }
        for _ in 0..<2 { #expect(try await naruError { _ = try await listener.nextReceiver() }?.code == .closed) }
    }

    @Test func anAcceptIsCancelledAndHasADeadline() async throws {
        let pair = try RuntimePair([MemoryTransport()])
        let listener = try pair.listener.listener(pair.address)
        #expect(try await listener.nextReceiver(deadline: .after(.milliseconds(5))) == nil)
        try await withThrowingTaskGroup(of: NaruError?.self) { group in
            group.addTask { try await naruError { _ = try await listener.nextReceiver() } }
            group.cancelAll()
            let error = try await group.next() ?? nil
            #expect(error?.code == .cancelled)
        }
        try await expectWorks(try await pair.connect(to: listener))
        listener.close()
    }

    @Test func anOpeningIsNotTakenForReadyWhenAMessageComes() async throws {
        let pair = try RuntimePair([TalkativeTransport()])
        let link = try await pair.connect()
        try await expectWorks(link)
    }
}
