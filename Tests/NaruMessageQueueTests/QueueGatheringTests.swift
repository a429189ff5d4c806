// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

@testable import NaruMessageQueue

/// A private queue, both of its lanes, and a handle of its own to look into it.
private final class PrivateLanes {
    let queue: POSIXQueue
    let outbound: QueueOutboundLane
    let inbound: QueueInboundLane
    private let reactor: Reactor

    private struct SilentBell: Bell {
        func ring() {}
    }

    init(depth: Int = 4) throws {
        let name = "/naru-test-gathering-\(SystemRandom.word())"
        queue = try POSIXQueue.create(name, depth: depth, messageBytes: 1_024)
        try POSIXQueue.remove(name)
        reactor = try Reactor(name: "naru-test")
        let kernel = try PosixKernelQueue(queue)
        let (doorbell, _) = try QueueDoorbell.make()
        let bell = doorbell.bell(forward: true, SilentBell())
        outbound = QueueOutboundLane(kernel, .init(bell: bell), reactor: reactor) {}
        inbound = QueueInboundLane(kernel, .records, maximumBytes: 1_024, bell: bell) {}
    }

    deinit {
        outbound.close()
        inbound.close()
        reactor.shutdown()
    }

    func send(_ bytes: [UInt8]) throws -> Bool {
        unsafe try outbound.trySend(RecordHeader(), RawSpan(), bytes.span.bytes)
    }

    func receive(_ maximum: Int = .max) throws -> [[UInt8]] {
        var found: [[UInt8]] = []
        _ = try inbound.drain(maximum) { record in
            found.append([UInt8](copying: record.bytes))
            return .take
        }
        return found
    }
}

/// Batches on private queues share the kernel's messages.
struct QueueGatheringTests {
    @Test func aBatchSharesMessages() throws {
        let lanes = try PrivateLanes()
        // Every rest by eight, and more than one message's worth.
        let sent = (0..<60).map { pattern($0, $0) }
        lanes.outbound.hold()
        for bytes in sent { #expect(try lanes.send(bytes)) }
        try lanes.outbound.publish()
        let bytes = sent.reduce(0) { $0 + 8 + ($1.count + 7) / 8 * 8 }
        #expect(try lanes.queue.status().count == (bytes + 1_023) / 1_024)
        // The first few are taken alone, and one is left and given again.
        var found = try lanes.receive(3)
        _ = try lanes.inbound.drain(1) { _ in .leaveAndStop }
        found += try lanes.receive()
        #expect(found == sent)
        #expect(try lanes.receive().isEmpty)
    }

    @Test func whatFollowsABatchComesBehindIt() throws {
        let lanes = try PrivateLanes()
        lanes.outbound.hold()
        #expect(try lanes.send([1]))
        #expect(try lanes.receive().isEmpty)
        let loan = unsafe try #require(try lanes.outbound.reserve(8))
        unsafe loan.copyBytes(from: [2, 2])
        try lanes.outbound.commit(RecordHeader(), byteCount: 2)
        #expect(try lanes.send([3]))
        try lanes.outbound.publish()
        #expect(try lanes.send([4]))
        #expect(try lanes.receive() == [[1], [2, 2], [3], [4]])
    }

    @Test func aFullQueueTakesNoBatch() throws {
        let lanes = try PrivateLanes(depth: 1)
        #expect(try lanes.send([1]))
        lanes.outbound.hold()
        #expect(try !lanes.send([2]))
        try lanes.outbound.publish()
        #expect(try lanes.receive() == [[1]])
        #expect(try lanes.receive().isEmpty)
    }

    @Test func aBatchThatFindsTheQueueFullIsSentLater() throws {
        let lanes = try PrivateLanes(depth: 1)
        lanes.outbound.hold()
        #expect(try lanes.send([1]))
        // Somebody fills the queue between the first record and the end of the batch.
        let other = QueueBuffer(.records, capacity: 8)
        other.headerWord = RecordHeader().word(byteCount: 0)
        #expect(unsafe try PosixKernelQueue(lanes.queue).trySend(other.message(0), MessageLabel()))
        try lanes.outbound.publish()
        #expect(try lanes.receive() == [[]])
        while try !lanes.outbound.flush() {}
        #expect(try lanes.receive() == [[1]])
    }

    /// The sender does nothing more: what is sent later wakes the receiver by itself.
    @Test func aBatchThatIsSentLaterWakesItsReceiver() throws {
        let lanes = try PrivateLanes(depth: 1)
        let other = QueueBuffer(.records, capacity: 8)
        other.headerWord = RecordHeader().word(byteCount: 0)
        for round in 0..<20 as Range<UInt8> {
            lanes.outbound.hold()
            #expect(try lanes.send([round]))
            #expect(unsafe try PosixKernelQueue(lanes.queue).trySend(other.message(0), MessageLabel()))
            try lanes.outbound.publish()
            #expect(try lanes.receive(1) == [[]])
            if case .word(let word, let value) = try lanes.inbound.arm(.thread) {
                let address = unsafe UnsafeRawPointer(word)
                try #require(unsafe try Futex.wait(address, while: value, deadline: .after(.seconds(60))) != .timedOut)
                lanes.inbound.disarm()
            }
            #expect(try lanes.receive() == [[round]])
        }
    }

    @Test(arguments: [4, 8, 9, 1_000]) func aRecordThatLeavesItsMessageIsAViolation(_ claimed: Int) throws {
        let lanes = try PrivateLanes()
        // A good record, and behind it a header word that claims more than there is; for 4, half a header.
        let message = QueueBuffer(.records, capacity: 64)
        message.headerWord = RecordHeader().word(byteCount: 8)
        let seven = [UInt8](repeating: 7, count: 8)
        unsafe message.write(seven.span.bytes, at: 0)
        message.setWord(RecordHeader().word(byteCount: claimed), at: 8)
        let byteCount = claimed == 4 ? 12 : 16 + 7
        #expect(unsafe try PosixKernelQueue(lanes.queue).trySend(message.message(byteCount), MessageLabel()))
        #expect(try lanes.receive(1) == [[UInt8](repeating: 7, count: 8)])
        for _ in 0..<2 {
            #expect { try lanes.receive() } throws: { ($0 as? NaruError)?.code == .protocolViolation }
        }
    }
}
