// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruInProcess
import Testing

/// Each sentence of the contract of `OutboundLane`, and of this lane's own documentation.
@Suite struct InProcessOutboundLaneTests {
    @Test(arguments: [0, 1, 8, 103, 104, 105, 4096, 1 << 20])
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

    @Test(arguments: [(8, 3), (104, 0), (200, 200), (200, 104), (4096, 1), (4096, 0)])
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
        for byteCount in [64, 4096] {
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

    @Test func commitDoesNotFailForLackOfRoom() throws {
        let link = try TestLink(.init(recordCapacity: 2, byteCapacity: 256))
        let lane = try link.outbound()
        #expect(try lane.trySend(pattern(0, 128)))
        unsafe try lane.loan(128).copyBytes(from: pattern(1, 128))
        try lane.commit(RecordHeader(), byteCount: 128)
        #expect(try !lane.canReserve(1))
        #expect(try link.inbound().take().map(\.bytes) == [pattern(0, 128), pattern(1, 128)])
        #expect(try lane.canReserve(1))
    }

    @Test(arguments: [64, 4096])
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

    @Test(arguments: [(0, 0), (3, 0), (0, 5), (8, 96), (8, 97), (16, 4096)])
    func trySendCopiesPrefixAndBytes(prefix: Int, bytes: Int) throws {
        let link = try TestLink()
        var own = pattern(3, bytes)
        #expect(try link.outbound().trySend(own, prefix: pattern(4, prefix)))
        for index in own.indices { own[index] = 0 }
        #expect(try link.inbound().take().map(\.bytes) == [pattern(4, prefix) + pattern(3, bytes)])
    }

    @Test func noRoomMeansNoEffect() throws {
        let link = try TestLink(.init(recordCapacity: 4))
        let lane = try link.outbound()
        for index in 0..<4 { #expect(try lane.trySend(pattern(index, 16))) }
        let message = OwnedMessage(pattern(9, 16))
        #expect(try !lane.trySend(pattern(9, 16)))
        #expect(try !lane.trySend(RecordHeader(), adopting: message))
        #expect(try !lane.canReserve(16))
        #expect(try link.inbound().take(1).map(\.bytes) == [pattern(0, 16)])
        #expect(try lane.trySend(pattern(4, 16)))
        #expect(try link.inbound().take().map(\.bytes) == (1...4).map { pattern($0, 16) })
    }

    @Test func bytesAreBoundedButOneRecordAlwaysFits() throws {
        let link = try TestLink(.init(byteCapacity: 1000))
        let lane = try link.outbound()
        #expect(try lane.trySend(pattern(0, 5000)))
        #expect(try !lane.trySend([1]))
        #expect(try link.inbound().take().count == 1)
        #expect(try lane.trySend(pattern(1, 600)))
        #expect(try !lane.trySend(pattern(2, 401)))
        #expect(try lane.trySend(pattern(2, 400)))
        #expect(try link.inbound().take().map(\.bytes.count) == [600, 400])
    }

    @Test(arguments: [0, 8, 4096])
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

    @Test func heldRecordsAreShownByPublish() throws {
        let link = try TestLink(.init(recordCapacity: 8))
        let lane = try link.outbound()
        for round in 0..<5 {
            lane.hold()
            for index in 0..<6 { #expect(try lane.trySend(pattern(round * 6 + index, 200))) }
            #expect(try link.inbound().take().isEmpty)
            try lane.publish()
            #expect(try link.inbound().take().map(\.bytes) == (0..<6).map { pattern(round * 6 + $0, 200) })
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
        _ = unsafe try lane.loan(4096)
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
        _ = unsafe try lane.loan(4096)
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
