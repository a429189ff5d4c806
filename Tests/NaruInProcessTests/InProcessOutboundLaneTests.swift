// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruInProcess
import Testing

/// Each sentence of the contract of `OutboundLane`, and of this lane's own documentation.
@Suite struct InProcessOutboundLaneTests {
    @Test(arguments: [0, 1, 8, 4096, 32_767, 32_768, 32_769, 1 << 20])
    func reserveLendsExactlyTheBytesAskedFor(byteCount: Int) throws {
        let link = try TestLink()
        let lane = try link.outbound()
        let loan = unsafe try lane.loan(byteCount)
        #expect(loan.count == byteCount)
        #expect(UInt(bitPattern: loan.baseAddress) % 8 == 0)
        unsafe loan.copyBytes(from: pattern(1, byteCount))
        try lane.commit(RecordHeader(), byteCount: byteCount)
        #expect(try link.inbound().take().map(\.bytes) == [pattern(1, byteCount)])
    }

    @Test(arguments: [(8, 3), (104, 0), (32_768, 32_768), (32_769, 32_769), (40_000, 8), (40_000, 0)])
    func commitMakesTheFirstBytesOfTheLoanARecord(byteCount: Int, committed: Int) throws {
        let link = try TestLink()
        let lane = try link.outbound()
        unsafe try lane.loan(byteCount).copyBytes(from: pattern(2, byteCount))
        #expect(try link.inbound().take().isEmpty)
        let header = RecordHeader(kind: .fragment, flags: [.compressed, .extension], extensionByteCount: 513)
        try lane.commit(header, byteCount: committed)
        let records = try link.inbound().take()
        #expect(records.map(\.header) == [header])
        #expect(records.map(\.bytes) == [Array(pattern(2, byteCount).prefix(committed))])
    }

    @Test func aLoanIsTheMemoryTheReceiverReads() throws {
        let link = try TestLink()
        for byteCount in [64, 40_000] {
            let loan = unsafe try link.outbound().loan(byteCount)
            unsafe loan.initializeMemory(as: UInt8.self, repeating: 1)
            try link.outbound().commit(RecordHeader(), byteCount: byteCount)
            let taken = try link.inbound().drain(1) { record in
                let read = unsafe record.bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
                #expect(read == UInt(bitPattern: loan.baseAddress))
                return .take
            }
            #expect(taken == 1)
        }
    }

    @Test(arguments: [16, 100, 128, 300])
    func commitDoesNotFailForLackOfRoom(byteCount: Int) throws {
        let link = try TestLink(.init(ringByteCount: 1024, messageByteCapacity: 1000))
        let lane = try link.outbound()
        // Each place of the ring is the last one once.
        for round in 0..<80 {
            var sent: [[UInt8]] = []
            while let loan = unsafe try lane.reserve(byteCount) {
                sent.append(pattern(sent.count + round, byteCount))
                unsafe loan.copyBytes(from: sent[sent.count - 1])
                try lane.commit(RecordHeader(), byteCount: byteCount)
            }
            #expect(sent.count >= 3)
            #expect(try link.inbound().take().map(\.bytes) == sent)
            #expect(try lane.trySend(pattern(round, round % 64)))
            #expect(try link.inbound().take().map(\.bytes) == [pattern(round, round % 64)])
        }
    }

    @Test(arguments: [64, 40_000])
    func abortLeavesNoTrace(byteCount: Int) throws {
        let link = try TestLink()
        let lane = try link.outbound()
        lane.abort()
        unsafe try lane.loan(byteCount).copyBytes(from: pattern(1, byteCount))
        lane.abort()
        lane.abort()
        #expect(try link.inbound().take().isEmpty)
        #expect(code { try lane.commit(RecordHeader(), byteCount: 0) } == .invalidArgument)
        #expect(try lane.trySend([7]))
        #expect(try link.inbound().take().map(\.bytes) == [[7]])
    }

    @Test func atMostOneLoanIsOut() throws {
        let link = try TestLink()
        let lane = try link.outbound()
        _ = unsafe try lane.loan(8)
        #expect(code { _ = try lane.canReserve(8) } == .reentrant)
        #expect(code { _ = try lane.trySend([1]) } == .reentrant)
        #expect(code { try lane.commit(RecordHeader(), byteCount: 9) } == .invalidArgument)
        try lane.commit(RecordHeader(), byteCount: 8)
        #expect(try lane.trySend([1]))
    }

    @Test(arguments: [(0, 0), (3, 0), (0, 5), (8, 120), (8, 121), (16, 4096)])
    func trySendCopiesPrefixAndBytes(prefix: Int, bytes: Int) throws {
        let link = try TestLink(.init(ringByteCount: 1024))
        var own = pattern(3, bytes)
        #expect(try link.outbound().trySend(own, prefix: pattern(4, prefix)))
        for index in own.indices { own[index] = 0 }
        #expect(try link.inbound().take().map(\.bytes) == [pattern(4, prefix) + pattern(3, bytes)])
    }

    @Test func noRoomMeansNoEffect() throws {
        let link = try TestLink(.init(ringByteCount: 1024))
        let lane = try link.outbound()
        var next = 0
        while try lane.trySend(pattern(next, 16)) { next += 1 }
        #expect(next == 31)
        #expect(try lane.trySend([]))
        #expect(try !lane.trySend(pattern(next, 16)))
        #expect(try !lane.trySend(pattern(next, 500)))
        #expect(try !lane.trySend(RecordHeader(), adopting: OwnedMessage(pattern(next, 16))))
        #expect(try !lane.canReserve(16))
        // The next record does not fit behind the last, so it needs the end of the ring too.
        #expect(try link.inbound().take(2).map(\.bytes) == [pattern(0, 16), pattern(1, 16)])
        #expect(try lane.trySend(pattern(next, 16)))
        let expected = (2..<next).map { pattern($0, 16) } + [[], pattern(next, 16)]
        #expect(try link.inbound().take().map(\.bytes) == expected)
    }

    @Test func messagesBesideTheRingAreBoundedButOneAlwaysFits() throws {
        let link = try TestLink(.init(ringByteCount: 1024, messageByteCapacity: 1000))
        let lane = try link.outbound()
        #expect(try lane.trySend(pattern(0, 5000)))
        #expect(try !lane.trySend(pattern(0, 129)))
        #expect(try !lane.trySend(RecordHeader(), adopting: OwnedMessage([1])))
        #expect(try lane.arm(.task, byteCount: 1).name == "bell")
        #expect(try lane.trySend(pattern(0, 128)))
        #expect(try link.inbound().take().count == 2)
        #expect(try lane.trySend(pattern(1, 600)))
        #expect(try !lane.trySend(pattern(2, 401)))
        #expect(try lane.trySend(pattern(2, 400)))
        #expect(try link.inbound().take().map(\.bytes.count) == [600, 400])
    }

    @Test(arguments: [0, 8, 4096, 40_000])
    func adoptingMovesTheMessage(byteCount: Int) throws {
        let link = try TestLink()
        let message = OwnedMessage(pattern(5, byteCount))
        #expect(try link.outbound().trySend(RecordHeader(), adopting: message))
        var adopted: OwnedMessage?
        _ = try link.inbound().drain(1) { record in
            adopted = record.adopted
            #expect([UInt8](copying: record.bytes) == pattern(5, byteCount))
            return .take
        }
        #expect(adopted === message)
    }

    @Test(arguments: [16, 100, 200])
    func heldRecordsAreShownByPublish(byteCount: Int) throws {
        let link = try TestLink(.init(ringByteCount: 1024))
        let lane = try link.outbound()
        for round in 0..<80 {
            lane.hold()
            for index in 0..<6 { #expect(try lane.trySend(pattern(round * 6 + index, byteCount))) }
            #expect(try link.inbound().take().isEmpty)
            try lane.publish()
            #expect(try link.inbound().take().map(\.bytes) == (0..<6).map { pattern(round * 6 + $0, byteCount) })
        }
        try lane.publish()
        #expect(try lane.trySend([1]))
        #expect(try link.inbound().take().count == 1)
    }

    @Test func flushHandsOverWhatIsHeld() throws {
        let link = try TestLink()
        let lane = try link.outbound()
        lane.hold()
        #expect(try lane.trySend([1]))
        #expect(try lane.flush())
        #expect(try link.inbound().take().map(\.bytes) == [[1]])
        #expect(try lane.flush())
    }

    @Test func closeIsIdempotentAndLeavesWhatWasHandedOver() throws {
        let link = try TestLink()
        let lane = try link.outbound()
        #expect(try lane.trySend([1]))
        lane.hold()
        #expect(try lane.trySend([2]))
        _ = unsafe try lane.loan(40_000)
        lane.close()
        lane.close()
        #expect(try link.inbound().take().map(\.bytes) == [[1], [2]])
        #expect(try link.inbound().arm(.task).name == "ended")
    }

    @Test func everyOperationAfterCloseThrowsClosed() throws {
        let link = try TestLink()
        let lane = try link.outbound()
        lane.close()
        #expect(code { _ = try lane.canReserve(1) } == .closed)
        #expect(code { try lane.commit(RecordHeader(), byteCount: 0) } == .closed)
        #expect(code { _ = try lane.trySend([1]) } == .closed)
        #expect(code { _ = try lane.trySend(RecordHeader(), adopting: OwnedMessage([1])) } == .closed)
        #expect(code { try lane.publish() } == .closed)
        #expect(code { _ = try lane.flush() } == .closed)
        #expect(code { _ = try lane.arm(.thread, byteCount: 1) } == .closed)
        lane.abort()
        lane.disarm()
    }

    @Test func aReceiverThatClosedIsToldToTheSender() throws {
        let link = try TestLink()
        let lane = try link.outbound()
        _ = unsafe try lane.loan(40_000)
        try link.inbound().close()
        #expect(code { try lane.commit(RecordHeader(), byteCount: 1) } == .peerVanished)
        #expect(code { _ = try lane.canReserve(1) } == .peerVanished)
        #expect(code { _ = try lane.trySend([1]) } == .peerVanished)
        #expect(code { _ = try lane.trySend(RecordHeader(), adopting: OwnedMessage([1])) } == .peerVanished)
        #expect(code { _ = try lane.flush() } == .peerVanished)
        #expect(try lane.arm(.task, byteCount: 1).name == "ended")
    }

    @Test func sizesOutOfRangeAreRefused() throws {
        let link = try TestLink()
        let lane = try link.outbound()
        #expect(lane.maximumRecordBytes == RecordHeader.maximumByteCount)
        #expect(code { _ = try lane.canReserve(-1) } == .invalidArgument)
        #expect(code { _ = try lane.canReserve(lane.maximumRecordBytes + 1) } == .messageTooLarge)
    }
}

extension OutboundLane {
    /// A loan that there must be room for.
    fileprivate func loan(_ byteCount: Int) throws -> UnsafeMutableRawBufferPointer {
        unsafe try #require(try reserve(byteCount))
    }

    /// Whether there is room for a loan, which is given back.
    fileprivate func canReserve(_ byteCount: Int) throws -> Bool {
        guard unsafe try reserve(byteCount) != nil else { return false }
        abort()
        return true
    }
}
