// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

@testable import NaruStream

@Suite struct StreamInboundLaneTests {
    /// The bytes that records of these sizes are on the wire.
    private func wireBytes(_ sizes: [Int]) throws -> [UInt8] {
        let wire = try CountingWire()
        wire.outbound.hold()
        for (index, size) in sizes.enumerated() { try wire.outbound.send(pattern(size, seed: index)) }
        try wire.outbound.publish()
        return try wire.take().flatMap { $0 }
    }

    @Test func boundariesAreKeptByteByByte() throws {
        let sizes = [0, 1, 3, 7, 8, 9, 100, 0, 1000]
        let bytes = try wireBytes(sizes)
        let wire = try RawWire()
        var received: [Received] = []
        for byte in bytes {
            try wire.raw.sendAll([byte])
            let more = try wire.inbound.take()
            #expect(more.count <= 1)
            received += more
        }
        #expect(received.map(\.bytes) == sizes.enumerated().map { pattern($1, seed: $0) })
    }

    @Test(arguments: [2, 3, 5, 7, 11, 4093, 4099, 60_000, 65_537])
    func boundariesAreKeptInPieces(_ piece: Int) throws {
        let large = [10, 70_000, 0, 1, 65_500, 36, 36, 200_000, 5, 8192, 30_000, 30_000, 30_000]
        let sizes = piece < 100 ? large.map { min($0, 1000) } : large
        let bytes = try wireBytes(sizes)
        let wire = try RawWire()
        var received: [Received] = []
        for start in stride(from: 0, to: bytes.count, by: piece) {
            let end = min(start + piece, bytes.count)
            try wire.raw.sendAll(Array(bytes[start..<end]))
            received += try wire.inbound.take()
        }
        #expect(received.map(\.bytes) == sizes.enumerated().map { pattern($1, seed: $0) })
    }

    @Test func payloadsAreAligned() throws {
        let wire = try Wire()
        for round in 0..<50 {
            for size in [1, 2, 3, 13, 5000, 70_001] {
                try wire.outbound.send(pattern(size + round))
                _ = try wire.inbound.drain(1) { record in
                    let address = unsafe record.bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
                    #expect(address % 8 == 0)
                    return .take
                }
            }
        }
    }

    @Test func dataComesBeforeTheEndAndAPartialRecordIsDropped() throws {
        let bytes = try wireBytes([10, 20, 30])
        for cut in [0, 4, 8, 17, 18, 20, 24, 30, 32, 50, 53, 90] {
            let wire = try RawWire()
            try wire.raw.sendAll(Array(bytes.prefix(cut)))
            wire.raw.close()
            // Where each record's last byte lies: 8 + 10, 24 + 8 + 20, 56 + 8 + 30.
            let whole = [18, 52, 94].filter { $0 <= cut }.count
            #expect(try wire.inbound.receive(9).count == whole)
            #expect(try wire.inbound.take().isEmpty)
            #expect(try wire.inbound.hasEnded())
        }
    }

    static let hostile: [(String, UInt64)] = [
        ("length 0xFFFFFFFF", 0x0000_0001_FFFF_FFFF), ("length 0x80000000", 0x0000_0001_8000_0000),
        ("one above the maximum", 0x0000_0001_0000_0000 | 65537 + 1), ("commit word zero", 0x0000_0001_0000_0000),
        ("all zero", 0), ("all ones", .max), ("kind 0", 0x0000_0000_0000_0009), ("kind 200", 0x0000_00C8_0000_0009),
        ("kind 63", 0x0000_003F_0000_0009), ("kind 64", 0x0000_0040_0000_0009), ("padding", 0x0000_0007_0000_0009),
        ("out of line", 0x0000_0004_0000_0009), ("extension above length", 0x0009_0801_0000_0009),
        ("extension of an empty record", 0x0001_0801_0000_0001),
    ]

    @Test(arguments: hostile)
    func aHostileHeaderEndsTheLaneAfterTheRecordsBefore(_ name: String, _ word: UInt64) throws {
        let wire = try RawWire(maximumRecordBytes: 65536)
        let good = RecordHeader().word(byteCount: 8)
        let bytes = [good, 0x0706_0504_0302_0100, word, 1, 2, 3].flatMap { value in
            (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        try wire.raw.sendAll(bytes)
        #expect(try wire.inbound.take().map(\.bytes) == [[0, 1, 2, 3, 4, 5, 6, 7]])
        #expect(code { _ = try wire.inbound.take() } == .protocolViolation)
        #expect(code { _ = try wire.inbound.take() } == .protocolViolation)
        #expect(code { _ = try wire.inbound.arm(.thread) } == .protocolViolation)
        wire.inbound.close()
        #expect(code { _ = try wire.inbound.take() } == .closed)
    }

    @Test func noBytesOfAPeerTrap() throws {
        var generator = SystemRandomNumberGenerator()
        let good = try wireBytes([100, 200, 3000])
        for _ in 0..<500 {
            let wire = try RawWire(maximumRecordBytes: 4096)
            var bytes = good
            for _ in 0..<4 { bytes[.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255) }
            try wire.raw.sendAll(bytes)
            wire.raw.close()
            let outcome = code {
                while try !wire.inbound.hasEnded() {
                    for record in try wire.inbound.take() { #expect(record.bytes.count <= 4096) }
                }
            }
            #expect(outcome == nil || outcome == .protocolViolation)
        }
    }

    @Test func aRecordThatIsLeftIsGivenAgain() throws {
        let wire = try Wire()
        for value in 0..<4 { try wire.outbound.send([UInt8(value)]) }
        var seen: [UInt8] = []
        func step(_ answer: DrainStep) throws -> Int {
            try wire.inbound.drain(10) { record in
                seen += Array(copying: record.bytes)
                return seen.count.isMultiple(of: 2) ? answer : .take
            }
        }
        #expect(try step(.leaveAndStop) == 1)
        #expect(try step(.leaveAndStop) == 1)
        #expect(seen == [0, 1, 1, 2])
        guard case .ready = try wire.inbound.arm(.thread).polled else {
            Issue.record("a record that was left is there")
            return
        }
        #expect(try step(.takeAndStop) == 2)
        #expect(seen == [0, 1, 1, 2, 2, 3])
        #expect(try wire.inbound.drain(0) { _ in .take } == 0)
    }

    @Test func noMoreThanTheMaximumIsGiven() throws {
        let wire = try Wire()
        for value in 0..<10 { try wire.outbound.send([UInt8(value)]) }
        #expect(try wire.inbound.take(3).map(\.bytes) == [[0], [1], [2]])
        #expect(try wire.inbound.take(1).map(\.bytes) == [[3]])
        #expect(try wire.inbound.take(100).count == 6)
    }

    @Test func aReentrantCallThrowsAndACloseInsideIsDeferred() throws {
        let wire = try Wire()
        for value in 0..<3 { try wire.outbound.send([UInt8(value), 9, 9, 9]) }
        var codes: [NaruError.Code?] = []
        let taken = try wire.inbound.drain(10) { record in
            codes.append(code { _ = try wire.inbound.drain(1) { _ in .take } })
            codes.append(code { _ = try wire.inbound.arm(.thread) })
            wire.inbound.close()
            wire.inbound.close()
            // The view is still there.
            #expect(Array(copying: record.bytes) == [0, 9, 9, 9])
            return .take
        }
        #expect(taken == 1)
        #expect(codes == [.reentrant, .reentrant])
        #expect(code { _ = try wire.inbound.take() } == .closed)
        #expect(code { try wire.outbound.send([1]) } == .peerVanished)
    }

    @Test func armWaitsForTheDescriptor() throws {
        let wire = try Wire()
        guard case .descriptor(let descriptor, let events) = try wire.inbound.arm(.thread).polled else {
            Issue.record("nothing is there")
            return
        }
        #expect(events == .readable)
        #expect(try descriptor.pollOnce(events).isEmpty)
        wire.inbound.disarm()
        try wire.outbound.send([1])
        #expect(try descriptor.poll(events, deadline: patience).contains(.readable))
        // A record that came is not read by arming: the descriptor says that it is there.
        guard case .descriptor(let again, let eventsAgain) = try wire.inbound.arm(.thread).polled else {
            Issue.record("nothing was read")
            return
        }
        #expect(try again.pollOnce(eventsAgain).contains(.readable))
        #expect(try wire.inbound.take().map(\.bytes) == [[1]])
    }

    @Test func aResetAfterDataIsAnEndAfterData() throws {
        // Closing a socket with unread input resets the connection; what it had sent is read first.
        let (raw, stream) = try UnixSocket.pair(kind: .stream)
        let inbound = StreamInboundLane(StreamEnd(stream, kind: .socket))
        try stream.sendAll([1, 2, 3])
        try raw.sendAll(try wireBytes([10]))
        raw.close()
        #expect(try inbound.receive(2).map(\.bytes) == [pattern(10)])
        #expect(try inbound.hasEnded())
    }
}
