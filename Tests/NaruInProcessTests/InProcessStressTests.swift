// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruInProcess
import NaruSystem
import Synchronization
import Testing

/// Two threads, random sizes, every way to send, rings small enough that both ends sleep often.
@Suite(.timeLimit(.minutes(2))) struct InProcessStressTests {
    struct Case: Sendable {
        var ringByteCount: Int
        var messageByteCapacity: Int
        var style: WaitStyle
    }

    static let cases = [
        Case(ringByteCount: 1024, messageByteCapacity: 1 << 20, style: .thread),
        Case(ringByteCount: 1024, messageByteCapacity: 0, style: .task),
        Case(ringByteCount: 16_384, messageByteCapacity: 2048, style: .thread),
        Case(ringByteCount: 2048, messageByteCapacity: 2048, style: .task),
        Case(ringByteCount: 256 << 10, messageByteCapacity: 64 << 20, style: .thread),
    ]

    @Test(arguments: cases)
    func everythingArrivesOnceInOrder(_ stress: Case) throws {
        let link = try TestLink(
            .init(ringByteCount: stress.ringByteCount, messageByteCapacity: stress.messageByteCapacity))
        let count = 8_000
        let failure = Mutex<String?>(nil)
        let sender = try SystemThread(name: "sender") {
            do {
                try Self.send(count, through: link, stress.style)
            } catch {
                failure.withLock { $0 = "\(error)" }
            }
            link.dialer.outbound?.close()
        }
        var generator = SystemRandomNumberGenerator()
        var next = 0
        var wrong = 0
        try link.inbound().drainToEnd(stress.style, link.listenerBell, maximum: 100) { record in
            // Sometimes the record is left, and must come again.
            if generator.next() % 16 == 0 { return .leaveAndStop }
            let expected = pattern(next, Self.byteCount(next))
            if [UInt8](copying: record.bytes) != expected || Int(record.header.extensionByteCount) != next & 0xFFFF {
                wrong += 1
            }
            next += 1
            return generator.next() % 16 == 1 ? .takeAndStop : .take
        }
        sender.join()
        #expect(failure.withLock { $0 } == nil)
        #expect(next == count)
        #expect(wrong == 0)
    }

    /// A size that depends on the message's number, mostly small.
    private static func byteCount(_ index: Int) -> Int {
        var mixed = UInt64(index) &* 0x9E37_79B9_7F4A_7C15
        mixed ^= mixed >> 29
        return Int(mixed % 8 == 0 ? mixed >> 8 & 1023 : mixed >> 8 & 127)
    }

    private static func send(_ count: Int, through link: TestLink, _ style: WaitStyle) throws {
        let lane = try link.outbound()
        for index in 0..<count {
            let byteCount = byteCount(index)
            let bytes = pattern(index, byteCount)
            let header = RecordHeader(extensionByteCount: UInt16(truncatingIfNeeded: index))
            if index % 97 == 0 { lane.hold() }
            try lane.blocking(style, link.dialerBell, byteCount: byteCount + 16) {
                switch index % 4 {
                case 0:
                    return try lane.trySend(bytes, header: header)
                case 1:
                    let half = byteCount / 2
                    return try lane.trySend(Array(bytes[half...]), prefix: Array(bytes[..<half]), header: header)
                case 2:
                    return try lane.trySend(header, adopting: OwnedMessage(bytes))
                default:
                    guard let loan = unsafe try lane.reserve(byteCount + 16) else { return false }
                    unsafe loan.copyBytes(from: bytes)
                    try lane.commit(header, byteCount: byteCount)
                    return true
                }
            }
            if index % 97 == 40 { try lane.publish() }
        }
        try lane.publish()
    }

    /// The receiver closes in the middle; the sender learns it and nothing is kept.
    @Test(arguments: [WaitStyle.thread, .task])
    func aReceiverThatClosesInTheMiddle(style: WaitStyle) throws {
        for round in 0..<100 {
            let link = try TestLink(.init(ringByteCount: 1024))
            let weakMessages = Mutex<[WeakMessage]>([])
            let ending = Mutex<NaruError.Code?>(nil)
            let sender = try SystemThread(name: "sender") {
                let thrown = code {
                    let lane = try link.outbound()
                    while true {
                        let message = OwnedMessage(pattern(1, 200))
                        weakMessages.withLock { $0.append(WeakMessage(message)) }
                        do {
                            try lane.blocking(style, link.dialerBell, byteCount: 200) {
                                try lane.trySend(RecordHeader(), adopting: message)
                            }
                        } catch WaitFailure.ended {
                            _ = try lane.flush()
                        }
                    }
                }
                ending.withLock { $0 = thrown }
                link.dialer.outbound?.close()
            }
            var taken = 0
            let lane = try link.inbound()
            while taken < round {
                taken += try lane.drain(8) { _ in .take }
                if taken < round {
                    try lane.arm(style).sleep(link.listenerBell)
                    lane.disarm()
                }
            }
            lane.close()
            sender.join()
            #expect(ending.withLock { $0 } == .peerVanished)
            #expect(weakMessages.withLock { $0.allSatisfy { $0.message == nil } })
        }
    }
}

/// Refers to a message without keeping it.
struct WeakMessage: Sendable {
    weak let message: OwnedMessage?

    init(_ message: OwnedMessage) {
        self.message = message
    }
}
