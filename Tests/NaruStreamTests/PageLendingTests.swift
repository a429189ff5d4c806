// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

@testable import NaruStream

/// Loans whose pages a pipe is given: what comes out is what was written, however late it is read.
@Suite struct PageLendingTests {
    /// Lanes over a pipe of 256 KiB that lends from 32 KiB on.
    private func wire(_ configuration: StreamConfiguration = .init()) throws -> Wire {
        let wire = try Wire(.pipe, configuration: configuration)
        try SystemPipe.setCapacity(of: wire.sending, byteCount: 262_144)
        return wire
    }

    /// Many loans, written while the pipe still holds others; nothing is read before the pipe is full.
    @Test func nothingIsWrittenOverThatWasNotRead() throws {
        let wire = try wire()
        var sent: [[UInt8]] = []
        var found: [[UInt8]] = []
        for round in 0..<40 {
            while true {
                let bytes = pattern(40_000 + (sent.count * 7919) % 60_000, seed: sent.count)
                guard let loan = unsafe try wire.outbound.reserve(bytes.count) else { break }
                unsafe loan.copyBytes(from: bytes)
                try wire.outbound.commit(RecordHeader(), byteCount: bytes.count)
                sent.append(bytes)
            }
            // Sometimes one, sometimes all: what is left is still in the pipe when the next loans are written.
            found += try wire.inbound.receive(round % 3 == 0 ? 1 : 2).map(\.bytes)
        }
        while found.count < sent.count {
            _ = try wire.outbound.flush()
            found += try wire.inbound.take().map(\.bytes)
        }
        #expect(found == sent)
        #expect(sent.count > 60)
    }

    /// Loans, copies, small records and batches in turn keep their order.
    @Test func everyWayOfSendingKeepsItsOrder() throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        let wire = try Wire(.pipe, reactor: reactor)
        let messages = (0..<600).map { index in
            pattern([0, 1, 5, 300, 7000, 33_000, 65_536, 200_001][index * 5 % 8], seed: index)
        }
        let sender = Lent(value: wire.outbound)
        let thread = try SystemThread(name: "sender") {
            do {
                for (index, message) in messages.enumerated() {
                    if index % 3 == 0 { try sender.value.send(message) } else { try sender.value.sendLoan(message) }
                    if index % 50 == 10 { sender.value.hold() }
                    if index % 50 == 20 { try sender.value.publish() }
                }
                try sender.value.flushAll()
            } catch {
                Issue.record(error)
            }
        }
        var found: [[UInt8]] = []
        while found.count < messages.count { found += try wire.inbound.receive(1).map(\.bytes) }
        thread.join()
        #expect(found == messages)
    }

    /// A record that the pipe takes in pieces, and one that is shorter than its loan.
    @Test func recordsLargerThanThePipe() throws {
        let (reading, writing) = try SystemPipe.make(nonBlocking: true)
        let outbound = StreamOutboundLane(StreamEnd(writing, kind: .pipe), maximumRecordBytes: 1 << 20)
        let inbound = StreamInboundLane(StreamEnd(reading, kind: .pipe), maximumRecordBytes: 1 << 20)
        let first = pattern(300_000, seed: 1)
        let loan = unsafe try #require(try outbound.reserve(1 << 20))
        unsafe loan.copyBytes(from: first)
        try outbound.commit(RecordHeader(), byteCount: first.count)
        var sent = [first]
        // Both ends on this thread: whoever reads has the sender write what is pending.
        func takeSome() throws {
            _ = try outbound.flush()
            for record in try inbound.take(1) { #expect(record.bytes == sent.removeFirst()) }
        }
        while !sent.isEmpty { try takeSome() }
        // Smaller than any of what follows.
        #expect(try SystemPipe.setCapacity(of: writing, byteCount: 65_536) == 65_536)
        for index in 0..<6 {
            let next = pattern(300_000 - index, seed: index)
            while true {
                if let loan = unsafe try outbound.reserve(next.count) {
                    unsafe loan.copyBytes(from: next)
                    try outbound.commit(RecordHeader(), byteCount: next.count)
                    break
                }
                try takeSome()
            }
            sent.append(next)
        }
        while !sent.isEmpty { try takeSome() }
        outbound.close()
        #expect(try inbound.hasEnded())
    }

    /// What was given to the pipe outlives the lane, and an abandoned loan leaves no trace.
    @Test func pagesOutliveTheLane() throws {
        let wire = try wire()
        let bytes = pattern(100_000, seed: 9)
        unsafe try #require(try wire.outbound.reserve(90_000)).initializeMemory(as: UInt8.self, repeating: 1)
        wire.outbound.abort()
        try wire.outbound.sendLoan(bytes)
        wire.outbound.close()
        #expect(try wire.inbound.receive(2).map(\.bytes) == [bytes])
        #expect(try wire.inbound.hasEnded())
    }

    @Test func aReaderThatIsGoneRaisesNoSignal() throws {
        let wire = try wire()
        wire.inbound.close()
        #expect(code { try wire.outbound.sendLoan(pattern(100_000)) } == .peerVanished)
    }

    /// Positions of the pool: what is lent is never lent again before it was read.
    @Test func thePoolGivesBackInOrder() throws {
        let pool = try PagePool(byteCount: 200_000)
        #expect(!pool.canHold(1 << 20))
        var stream: UInt64 = 0
        var out: [(ClosedRange<UInt>, UInt64)] = []
        var read: UInt64 = 0
        for round in 0..<500 {
            let size = 10_000 + round * 7919 % 50_000
            if let memory = unsafe pool.reserve(size), let base = memory.baseAddress {
                let range = UInt(bitPattern: base) - UInt(PagePool.leadBytes)...UInt(bitPattern: base) + UInt(size) - 1
                #expect(out.allSatisfy { !$0.0.overlaps(range) }, "round \(round)")
                let record = unsafe pool.record(RecordHeader(), padding: round % 8, byteCount: size, at: stream)
                stream += UInt64(record.count)
                out.append((range, stream))
            }
            // A little is read, at most all there is.
            read = min(stream, read + UInt64(round * 104_729 % 40_000))
            out.removeAll { $0.1 <= read }
            if round % 3 == 0 { pool.release(readBytes: read) }
        }
        pool.release(readBytes: stream)
        #expect(!pool.isInUse)
    }
}
