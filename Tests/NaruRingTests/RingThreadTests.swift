// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Synchronization
import Testing

@testable import NaruRing

/// Both ends on threads of their own. A wake-up that is lost shows as a wait that comes to its deadline, a minute away.
@Suite struct RingThreadTests {
    static func sleep(_ target: WaitTarget) throws {
        guard case .word(let word, let value) = target else { return }
        let result = try unsafe Futex.wait(UnsafeRawPointer(word), while: value, deadline: .after(.seconds(60)))
        if result == .timedOut { throw LostWakeUp() }
    }

    struct LostWakeUp: Error {}

    static func sendWaiting(_ bytes: [UInt8], _ lane: any OutboundLane) throws {
        while try !lane.trySend(bytes) {
            try sleep(lane.arm(.thread, byteCount: bytes.count))
            lane.disarm()
        }
    }

    static func receiveWaiting(
        _ lane: any InboundLane, _ maximum: Int, arming: Bool, _ body: (InboundRecord) -> Void
    ) throws -> Int {
        while true {
            // Arming before looking as well, so that each record is met by an armed reader.
            if arming {
                try sleep(lane.arm(.thread))
                lane.disarm()
            }
            let count = try lane.drain(maximum) { record in
                body(record)
                return .take
            }
            if count > 0 { return count }
            if !arming {
                try sleep(lane.arm(.thread))
                lane.disarm()
            }
        }
    }

    /// Runs `body` on a thread, and then `end` here, and throws what either threw.
    static func beside(
        _ body: @escaping @Sendable () throws -> Void, _ here: () throws -> Void
    ) throws {
        let failure = Mutex<(any Error)?>(nil)
        // Joined before `failure` goes.
        let thread = try SystemThread(name: "ring-test") {
            do { try body() } catch { failure.withLock { $0 = error } }
        }
        defer { thread.join() }
        try here()
        thread.join()
        if let error = failure.withLock({ $0 }) { throw error }
    }

    @Test(.timeLimit(.minutes(5)), arguments: [4096, 65536], [1, 64])
    func randomRecordsCrossInOrder(_ ringBytes: Int, _ batch: Int) throws {
        let pair = try RingPair(ringBytes: ringBytes, startingAt: (1 << 32) - 1 << 20)
        let total = 100_000
        let outbound = Handover(pair.outbound)
        let maximum = min(pair.outbound.maximumRecordBytes, 2000)
        // Each record's bytes follow from its sequence number alone.
        let material = pattern(5, 8192)
        @Sendable func slice(_ sequence: Int) -> ArraySlice<UInt8> {
            var generator = SeededGenerator(state: UInt64(sequence))
            let size = Int(generator.next() % UInt64(maximum + 1))
            let start = Int(generator.next() % UInt64(material.count - size))
            return material[start..<start + size]
        }
        try Self.beside {
            let lane: any OutboundLane = outbound.value
            for sequence in 0..<total {
                if batch > 1, sequence % batch == 0 { lane.hold() }
                try Self.sendWaiting(Array(slice(sequence)), lane)
                if batch > 1, sequence % batch == batch - 1 { try lane.publish() }
            }
            try lane.publish()
        } _: {
            var received = 0
            var wrong = 0
            while received < total {
                _ = try Self.receiveWaiting(pair.inbound, 64, arming: false) { record in
                    if [UInt8](copying: record.bytes) != Array(slice(received)) { wrong += 1 }
                    received += 1
                }
            }
            #expect(received == total)
            #expect(wrong == 0)
        }
    }

    @Test(.timeLimit(.minutes(5))) func noWakeUpIsLostInAHundredThousandArmings() throws {
        let there = try RingPair()
        let back = try RingPair()
        let rounds = 50_000
        let far = Handover((there.inbound, back.outbound))
        try Self.beside {
            for _ in 0..<rounds {
                var echo: [UInt8] = []
                _ = try Self.receiveWaiting(far.value.0, 1, arming: true) { echo = [UInt8](copying: $0.bytes) }
                try Self.sendWaiting(echo, far.value.1)
            }
        } _: {
            var wrong = 0
            for round in 0..<rounds {
                let bytes = pattern(UInt64(round), 8)
                try Self.sendWaiting(bytes, there.outbound)
                _ = try Self.receiveWaiting(back.inbound, 1, arming: true) {
                    if [UInt8](copying: $0.bytes) != bytes { wrong += 1 }
                }
            }
            #expect(wrong == 0)
        }
    }

    /// The writer meets a full ring nearly every time: what it loses it waits for for ever.
    @Test(.timeLimit(.minutes(5))) func noWakeUpForRoomIsLost() throws {
        let pair = try RingPair()
        let outbound = Handover(pair.outbound)
        let total = 30_000
        try Self.beside {
            let bytes = [UInt8](repeating: 9, count: 1024)
            for _ in 0..<total { try Self.sendWaiting(bytes, outbound.value) }
        } _: {
            var received = 0
            while received < total {
                received += try Self.receiveWaiting(pair.inbound, 1, arming: false) { _ in }
            }
            #expect(received == total)
        }
    }
}
