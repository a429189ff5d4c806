// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruStream
import NaruSystem
import Synchronization
import Testing

@Suite struct StreamStressTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var kind: StreamKind
        var sendBuffer: Int?
        var configuration: StreamConfiguration
        var maximumBytes: Int
        var records: Int
        var testDescription: String { "\(kind) \(sendBuffer ?? 0) \(configuration.gatherBytes) \(maximumBytes)" }
    }

    static let cases = [
        Case(kind: .socket, configuration: .init(), maximumBytes: 300, records: 60_000),
        Case(kind: .socket, configuration: .init(), maximumBytes: 262_144, records: 600),
        Case(kind: .socket, sendBuffer: 1, configuration: .init(gatherBytes: 1000), maximumBytes: 5000, records: 5000),
        Case(kind: .pipe, configuration: .init(), maximumBytes: 20_000, records: 5000),
        Case(kind: .pipe, configuration: .init(gathers: false), maximumBytes: 300, records: 20_000),
    ]

    /// Two threads, random sizes, every way to send, each record checked by its length and its bytes' sum.
    @Test(arguments: cases)
    func everythingArrivesInOrderOnceAndWhole(_ test: Case) throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        let wire = try Wire(
            test.kind, sendBuffer: test.sendBuffer, configuration: test.configuration, reactor: reactor)
        let bytes = pattern(test.maximumBytes)
        let sender = try SystemThread(name: "sender") { [lane = Lent(value: wire.outbound)] in
            do {
                try Self.send(test, bytes, lane.value)
            } catch {
                Issue.record(error)
            }
            lane.value.close()
        }
        defer { sender.join() }

        var sums = [UInt32](repeating: 0, count: test.maximumBytes + 1)
        for index in 0..<test.maximumBytes { sums[index + 1] = sums[index] &+ UInt32(bytes[index]) }
        var generator = Sizes(test.maximumBytes)
        var number = 0
        var wrong = 0
        while number < test.records {
            let taken = try wire.inbound.drain(64) { record in
                let size = generator.next()
                let sum = unsafe record.bytes.withUnsafeBytes { unsafe $0.reduce(UInt32(0)) { $0 &+ UInt32($1) } }
                if record.bytes.byteCount != size || sum != sums[size] { wrong += 1 }
                if record.header.extensionByteCount != UInt16(truncatingIfNeeded: min(number, size)) { wrong += 1 }
                number += 1
                return .take
            }
            if taken > 0 { continue }
            switch try wire.inbound.arm(.thread).polled {
            case .descriptor(let descriptor, let events):
                try #require(try !descriptor.poll(events, deadline: patience).isEmpty, "record \(number) never came")
            case .ended:
                Issue.record("the stream ended after \(number) records")
                number = test.records
            default:
                break
            }
            wire.inbound.disarm()
        }
        #expect(wrong == 0)
    }

    /// The same sizes at both ends.
    struct Sizes {
        private var state: UInt64 = 88_172_645_463_325_252
        private let maximum: Int
        init(_ maximum: Int) { self.maximum = maximum }
        mutating func next() -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            // Small ones more often.
            let bound = state & 0x300 == 0 ? maximum : min(maximum, 200)
            return Int((state >> 16) % UInt64(bound + 1))
        }
    }

    private static func send(_ test: Case, _ bytes: [UInt8], _ lane: StreamOutboundLane) throws {
        var generator = Sizes(test.maximumBytes)
        var number = 0
        while number < test.records {
            let isBatch = number.isMultiple(of: 7)
            if isBatch { lane.hold() }
            for _ in 0..<min(isBatch ? 40 : 10, test.records - number) {
                let size = generator.next()
                let header = RecordHeader(extensionByteCount: UInt16(truncatingIfNeeded: min(number, size)))
                // Extensions of up to 65,535 bytes only: the header has 16 bits for them.
                if number.isMultiple(of: 5) {
                    try lane.sendLoan(Array(bytes[..<size]), header: header)
                } else if number.isMultiple(of: 3) {
                    let split = size / 2
                    try lane.send(Array(bytes[split..<size]), header: header, prefix: Array(bytes[..<split]))
                } else {
                    try lane.send(Array(bytes[..<size]), header: header)
                }
                number += 1
            }
            if isBatch { try lane.publish() }
        }
        try lane.flushAll()
    }
}
