// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

@testable import NaruStream

@Suite struct StreamOutboundLaneTests {
    static let sizes = [
        0, 1, 7, 8, 9, 63, 64, 65, 511, 512, 513, 4095, 4096, 4097, 8191, 8192, 8193, 65519, 65520, 65527, 65528, 65529,
        65535, 65536, 65537, 131_072, 262_143, 262_144,
    ]

    @Test(arguments: [StreamKind.socket, .pipe], [false, true])
    func everySizeCrossesByCopyBatchAndLoan(_ kind: StreamKind, gathers: Bool) throws {
        let reactor = gathers ? try Reactor(name: "test") : nil
        defer { reactor?.shutdown() }
        let wire = try Wire(kind, reactor: reactor)
        let sender = try SystemThread(name: "sender") { [lane = Lent(value: wire.outbound)] in
            do {
                for (index, size) in Self.sizes.enumerated() { try lane.value.send(pattern(size, seed: index)) }
                for (index, size) in Self.sizes.enumerated() {
                    lane.value.hold()
                    try lane.value.send(pattern(size, seed: index))
                    try lane.value.send(pattern(size + 1, seed: index).dropLast())
                    try lane.value.publish()
                }
                for (index, size) in Self.sizes.enumerated() { try lane.value.sendLoan(pattern(size, seed: index)) }
                try lane.value.flushAll()
            } catch {
                Issue.record(error)
            }
        }
        var expected: [[UInt8]] = []
        for (index, size) in Self.sizes.enumerated() { expected.append(pattern(size, seed: index)) }
        for (index, size) in Self.sizes.enumerated() {
            expected += [pattern(size, seed: index), pattern(size + 1, seed: index).dropLast()]
        }
        for (index, size) in Self.sizes.enumerated() { expected.append(pattern(size, seed: index)) }
        let received = try wire.inbound.receive(expected.count)
        sender.join()
        #expect(received.map(\.bytes.count) == expected.map(\.count))
        #expect(received.map(\.bytes) == expected)
        wire.outbound.close()
        #expect(try wire.inbound.hasEnded())
    }

    @Test(arguments: [0, 1, 7, 8, 64, 300, 70_000])
    func headerAndPrefixCross(_ prefixBytes: Int) throws {
        let wire = try Wire()
        let header = RecordHeader(
            kind: .fragment, flags: [.compressed, .extension], extensionByteCount: UInt16(min(prefixBytes, 60_000)))
        for size in [0, 1, 600, 100_000] {
            try wire.outbound.send(pattern(size), header: header, prefix: pattern(prefixBytes, seed: 1))
            #expect(
                try wire.inbound.receive(1) == [
                    Received(header: header, bytes: pattern(prefixBytes, seed: 1) + pattern(size))
                ])
        }
    }

    @Test func aRecordAboveTheMaximumIsRefusedAndLeavesNoTrace() throws {
        let wire = try Wire()
        let maximum = wire.outbound.maximumRecordBytes
        #expect(code { try wire.outbound.send(pattern(maximum + 1)) } == .messageTooLarge)
        #expect(code { try wire.outbound.send(pattern(maximum), prefix: [1]) } == .messageTooLarge)
        #expect(code { _ = unsafe try wire.outbound.reserve(maximum + 1) } == .messageTooLarge)
        try wire.outbound.send([5])
        #expect(try wire.inbound.receive(1).map(\.bytes) == [[5]])
    }

    @Test func aSenderThatIsRefusedHasSentNothing() throws {
        for size in [100, 20_000, 200_000] {
            let wire = try Wire(sendBuffer: 1)
            var accepted = 0
            while try wire.outbound.attempt(pattern(size, seed: accepted)) { accepted += 1 }
            #expect(try wire.outbound.attempt(pattern(size, seed: accepted)) == false)
            // The bound of what a lane keeps, and a generous one for what the kernel holds.
            #expect(accepted * size <= 65536 + wire.outbound.maximumRecordBytes + 65536)
            for index in 0..<accepted {
                while true {
                    if let record = try wire.inbound.take(1).first {
                        #expect(record.bytes == pattern(size, seed: index))
                        break
                    }
                    _ = try wire.outbound.flush()
                }
            }
            #expect(try wire.outbound.flush())
            wire.outbound.close()
            #expect(try wire.inbound.receive(1).isEmpty)
        }
    }

    @Test func armSaysReadyOrTheDescriptorAndFlushSaysWhenAllIsHandedOver() throws {
        let wire = try Wire(sendBuffer: 1)
        guard case .ready = try wire.outbound.arm(.thread, byteCount: 100) else {
            Issue.record("an empty lane has room")
            return
        }
        wire.outbound.disarm()
        while try wire.outbound.attempt(pattern(1000)) {}
        #expect(try wire.outbound.flush() == false)
        guard case .descriptor(let descriptor, let events) = try wire.outbound.arm(.task, byteCount: 1000) else {
            Issue.record("a full lane has no room")
            return
        }
        #expect(events == .writable)
        #expect(try descriptor.pollOnce(events).isEmpty)
        while try wire.inbound.take().count > 0 {}
        #expect(try descriptor.poll(events, deadline: patience).contains(.writable))
        wire.outbound.disarm()
        #expect(try wire.outbound.attempt(pattern(1000)))
        var received = 0
        while try !wire.outbound.flush() { received += try wire.inbound.take().count }
        while case let more = try wire.inbound.take().count, more > 0 { received += more }
        #expect(received > 0)
    }

    @Test func aLoanIsExactlyAsLargeAlignedAndLeavesNoTraceWhenAborted() throws {
        let wire = try Wire()
        wire.outbound.abort()
        for size in [1, 100, 5000, 262_144] {
            let loan = unsafe try #require(try wire.outbound.reserve(size))
            #expect(loan.count == size)
            let address = UInt(bitPattern: loan.baseAddress)
            #expect(address % 8 == 0)
            wire.outbound.abort()
        }
        #expect(try wire.inbound.take().isEmpty)
        let loan = unsafe try #require(try wire.outbound.reserve(10))
        unsafe loan.copyBytes(from: pattern(10))
        try wire.outbound.commit(RecordHeader(), byteCount: 4)
        #expect(try wire.inbound.receive(1).map(\.bytes) == [Array(pattern(10).prefix(4))])
    }

    @Test func aCommitIsTakenHoweverFullTheKernelIs() throws {
        let wire = try Wire(sendBuffer: 1)
        let loan = unsafe try #require(try wire.outbound.reserve(200_000))
        unsafe loan.copyBytes(from: pattern(200_000))
        try wire.outbound.commit(RecordHeader(), byteCount: 200_000)
        #expect(try wire.outbound.flush() == false)
        #expect(unsafe try wire.outbound.reserve(1) == nil)
        var received: [Received] = []
        while received.isEmpty {
            received = try wire.inbound.take()
            _ = try wire.outbound.flush()
        }
        #expect(received.map(\.bytes) == [pattern(200_000)])
    }

    @Test func aPeerThatClosedIsATypedErrorNowAndLater() throws {
        let wire = try Wire()
        try wire.outbound.send([1])
        wire.inbound.close()
        #expect(code { try wire.outbound.send([2]) } == .peerVanished)
        #expect(code { try wire.outbound.send([3]) } == .peerVanished)
        #expect(code { _ = try wire.outbound.flush() } == .peerVanished)
        wire.outbound.hold()
        #expect(code { try wire.outbound.publish() } == .peerVanished)
        #expect(code { _ = try wire.outbound.arm(.thread, byteCount: 1) } == .peerVanished)
        #expect(code { _ = unsafe try wire.outbound.reserve(1) } == .peerVanished)
        wire.outbound.close()
        #expect(code { _ = try wire.outbound.flush() } == .closed)
    }

    @Test func closeIsIdempotentAndHandsOverWhatItCan() throws {
        let wire = try Wire()
        wire.outbound.hold()
        try wire.outbound.send([1, 2, 3])
        wire.outbound.close()
        wire.outbound.close()
        #expect(code { try wire.outbound.send([4]) } == .closed)
        #expect(code { _ = unsafe try wire.outbound.reserve(4) } == .closed)
        #expect(code { try wire.outbound.commit(RecordHeader(), byteCount: 0) } == .closed)
        #expect(code { try wire.outbound.publish() } == .closed)
        #expect(code { _ = try wire.outbound.arm(.task, byteCount: 4) } == .closed)
        wire.outbound.abort()
        #expect(try wire.inbound.receive(2).map(\.bytes) == [[1, 2, 3]])
        #expect(try wire.inbound.hasEnded())
    }

    @Test func closingOneLaneOfTwoEndsOneDirection() throws {
        let (a, b) = try UnixSocket.pair(kind: .stream)
        let (left, right) = (StreamEnd(a, kind: .socket, lanes: 2), StreamEnd(b, kind: .socket, lanes: 2))
        let (leftOut, leftIn) = (StreamOutboundLane(left), StreamInboundLane(left))
        let (rightOut, rightIn) = (StreamOutboundLane(right), StreamInboundLane(right))
        try leftOut.send([1])
        leftOut.close()
        #expect(try rightIn.receive(2).map(\.bytes) == [[1]])
        #expect(try rightIn.hasEnded())
        try rightOut.send([2])
        #expect(try leftIn.receive(1).map(\.bytes) == [[2]])
        leftIn.close()
        #expect(code { try rightOut.send([3]) } == .peerVanished)
        rightOut.close()
        rightIn.close()
    }

    @Test func aReactorTakesBothLanesOfOneStream() throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        let (a, b) = try UnixSocket.pair(kind: .stream)
        try UnixSocket.setBufferBytes(a, send: 1, receive: nil)
        let end = StreamEnd(a, kind: .socket, lanes: 2)
        let (outbound, inbound) = (StreamOutboundLane(end), StreamInboundLane(end))
        while try outbound.attempt(pattern(1000)) {}
        guard case .descriptor(let writing, let writable) = try outbound.arm(.task, byteCount: 1000),
            case .descriptor(let reading, let readable) = try inbound.arm(.task)
        else {
            Issue.record("both wait")
            return
        }
        let first = try reactor.add(writing, events: writable, oneShot: true) { _ in }
        let second = try reactor.add(reading, events: readable, oneShot: true) { _ in }
        reactor.remove(first)
        reactor.remove(second)
        withExtendedLifetime(b) {}
    }
}
