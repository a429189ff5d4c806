// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruInProcess
import NaruSystem
import Synchronization
import Testing

/// Arming, waking, and that no wake-up is lost.
@Suite(.timeLimit(.minutes(2))) struct InProcessWaitingTests {
    @Test func anArmedReceiverIsRungOnce() throws {
        let link = try TestLink()
        #expect(try link.outbound().trySend([1]))
        #expect(link.listenerBell.count == 0)
        #expect(try link.inbound().take().count == 1)
        #expect(try link.inbound().arm(.task).name == "bell")
        for _ in 0..<3 { #expect(try link.outbound().trySend([1])) }
        #expect(link.listenerBell.count == 1)
        #expect(link.dialerBell.count == 0)
    }

    @Test func aDisarmedReceiverIsNotRung() throws {
        let link = try TestLink()
        #expect(try link.inbound().arm(.task).name == "bell")
        try link.inbound().disarm()
        #expect(try link.outbound().trySend([1]))
        #expect(link.listenerBell.count == 0)
    }

    @Test func aHeldBatchRingsWhenItIsPublished() throws {
        let link = try TestLink()
        #expect(try link.inbound().arm(.task).name == "bell")
        try link.outbound().hold()
        for _ in 0..<3 { #expect(try link.outbound().trySend([1])) }
        #expect(link.listenerBell.count == 0)
        try link.outbound().publish()
        #expect(link.listenerBell.count == 1)
    }

    @Test func anArmedSenderIsRungWhenThereIsRoom() throws {
        let link = try TestLink(.init(ringByteCount: 1024))
        let lane = try link.outbound()
        while try lane.trySend([1]) {}
        #expect(try lane.arm(.task, byteCount: 1).name == "bell")
        #expect(link.dialerBell.count == 0)
        #expect(try link.inbound().take(1).count == 1)
        #expect(link.dialerBell.count == 1)
        #expect(try lane.trySend([1]))
        #expect(try link.inbound().take().count == 31)
        #expect(link.dialerBell.count == 1)
        #expect(try lane.arm(.thread, byteCount: 1).name == "ready")
    }

    @Test func aSenderThatSleepsGetsItsRoomInTheMiddleOfADrain() throws {
        let link = try TestLink(.init(ringByteCount: 1024))
        let lane = try link.outbound()
        while try lane.trySend([1]) {}
        #expect(try lane.arm(.task, byteCount: 1).name == "bell")
        var counts: [Int] = []
        _ = try link.inbound().drain(3) { _ in
            counts.append(link.dialerBell.count)
            return .take
        }
        #expect(counts == [0, 1, 1])
    }

    @Test func armingShowsWhatIsHeld() throws {
        let link = try TestLink(.init(ringByteCount: 1024))
        let lane = try link.outbound()
        lane.hold()
        while try lane.trySend([1]) {}
        #expect(try link.inbound().take().isEmpty)
        #expect(try lane.arm(.task, byteCount: 1).name == "bell")
        #expect(try link.inbound().take().count == 31)
        #expect(link.dialerBell.count == 1)
    }

    @Test func aThreadIsWokenByItsWord() throws {
        let link = try TestLink()
        guard case .word(let word, let value) = try link.inbound().arm(.thread) else {
            Issue.record("a thread waits on a word")
            return
        }
        let armed = unsafe word.pointee.load(ordering: .relaxed)
        #expect(armed == value)
        #expect(value != 0)
        #expect(try link.outbound().trySend([1]))
        let awake = unsafe word.pointee.load(ordering: .relaxed)
        #expect(awake == 0)
        #expect(link.listenerBell.count == 0)
    }

    @Test(arguments: [WaitStyle.thread, .task])
    func closeWakesTheOtherEnd(style: WaitStyle) throws {
        let forward = try TestLink()
        let target = try forward.inbound().arm(style)
        try forward.outbound().close()
        try target.sleep(forward.listenerBell)
        #expect(try forward.inbound().arm(style).name == "ended")

        let backward = try TestLink(.init(ringByteCount: 1024))
        while try backward.outbound().trySend([1]) {}
        let room = try backward.outbound().arm(style, byteCount: 1)
        try backward.inbound().close()
        try room.sleep(backward.dialerBell)
        #expect(try backward.outbound().arm(style, byteCount: 1).name == "ended")
    }

    /// Each message waits for the answer to the one before: a lost wake-up stops the game.
    @Test(arguments: [WaitStyle.thread, .task])
    func noWakeUpIsLost(style: WaitStyle) throws {
        let link = try TestLink(duplex: true)
        let rounds = 5_000
        let failure = Mutex<String?>(nil)
        let echo = try SystemThread(name: "echo") {
            do {
                guard let inbound = link.listener.inbound, let outbound = link.listener.outbound else { return }
                try inbound.drainToEnd(style, link.listenerBell) { record in
                    let bytes = [UInt8](copying: record.bytes)
                    _ = try? outbound.trySend(bytes)
                    return .take
                }
            } catch {
                failure.withLock { $0 = "\(error)" }
            }
        }
        let outbound = try #require(link.dialer.outbound)
        let inbound = try #require(link.dialer.inbound)
        for round in 0..<rounds {
            #expect(try outbound.trySend(pattern(round, 8)))
            while true {
                let records = try inbound.take(1)
                if let record = records.first {
                    if record.bytes != pattern(round, 8) { Issue.record("round \(round) came back changed") }
                    break
                }
                let target = try inbound.arm(style)
                defer { inbound.disarm() }
                try target.sleep(link.dialerBell)
            }
        }
        outbound.close()
        echo.join()
        #expect(failure.withLock { $0 } == nil)
    }
}
