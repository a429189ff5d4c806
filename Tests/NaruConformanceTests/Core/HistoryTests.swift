// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruCore
import NaruSystem
import Synchronization
import Testing

/// Histories that a peer breaks, does not have, or lies about; with the kit's codec, which notices a message too few.
@Suite(.timeLimit(.minutes(1))) struct HistoryTests {
    private static let request = LinkRequest(
        requirements: Requirements(maximumMessageBytes: 100_000), compression: .forced("recall"))

    private static func record(_ index: Int, _ byteCount: Int = 60) -> [UInt8] {
        let text = Array("record \(index) of a history, like every other, and like every other it is long".utf8)
        return (0..<byteCount).map { text[$0 % text.count] }
    }

    private func pair(
        _ tamper: @escaping TamperingTransport.Tamper = { ($0, $1) }, temper: MemoryTransport.Temper = .synchronous
    ) throws -> RuntimePair {
        let transports = [TamperingTransport(MemoryTransport(temper), tamper)]
        return try RuntimePair(
            dialer: transports, listener: transports, codecs: ([RecallCodec()], [RecallCodec()]))
    }

    /// The flags and sizes of the records that a link carried.
    private final class Tape: Sendable {
        private let records = Mutex<[RecordHeader]>([])
        func add(_ header: RecordHeader) { records.withLock { $0.append(header) } }
        var all: [RecordHeader] { records.withLock { $0 } }
        var data: [RecordHeader.Flags] { all.filter { $0.kind == .data }.map(\.flags) }
    }

    @Test func theWireSaysWhatIsHistory() async throws {
        let tape = Tape()
        let pair = try pair { header, bytes in
            tape.add(header)
            return (header, bytes)
        }
        let link = try await pair.connect(Self.request)
        let terms = LaneTerms(transport: "memory", codec: "recall", history: true)
        #expect(link.sender.control.agreement.forward == [terms])
        for message in [Self.record(0), [1, 2, 3], Self.record(1), Self.record(2)] {
            try await expectWorks(link, message)
        }
        let history: RecordHeader.Flags = [.compressed, .history]
        #expect(tape.data == [history.union(.reset), [], history, history])
    }

    /// Ways to break a history: what becomes of the data records, by their number from 0.
    @Test(arguments: [
        Breach("the first refers to earlier ones", .protocolViolation) { index, header in
            index == 0 ? header.flags([.compressed, .history]) : header
        },
        Breach("history without compression", .protocolViolation) { _, header in header.flags([.history]) },
        Breach("a reset without compression", .protocolViolation) { _, header in header.flags([.reset]) },
        Breach("compressed without history", .protocolViolation) { _, header in header.flags([.compressed]) },
        Breach("a reset without history", .protocolViolation) { _, header in header.flags([.compressed, .reset]) },
        Breach("a reset that is none", .corrupted) { index, header in
            index == 2 ? header.flags([.compressed, .history, .reset]) : header
        },
        Breach("a message that looks raw", .corrupted) { index, header in index == 1 ? header.flags([]) : header },
    ])
    func aBrokenHistoryClosesTheLink(_ breach: Breach) async throws {
        let count = Mutex(0)
        let pair = try pair { header, bytes in
            guard header.kind == .data else { return (header, bytes) }
            let index = count.withLock { count in
                count += 1
                return count - 1
            }
            return (breach.change(index, header), bytes)
        }
        let (sender, receiver) = try await pair.connect(Self.request)
        for index in 0..<4 { try await sender.send(Self.record(index)) }
        let error = try await naruError {
            while true { _ = try await receiver.receive(deadline: .after(.seconds(20))) { _ in } }
        }
        #expect(error?.code == breach.code, "\(String(describing: error))")
        #expect(try await naruError { _ = try await receiver.receive { _ in } }?.code == .protocolViolation)
        #expect(receiver.control.counters.violations == 1)
        receiver.close()
        #expect(try await eventually { sender.control.closeReason != nil })
    }

    struct Breach: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: NaruError.Code
        let change: @Sendable (Int, RecordHeader) -> RecordHeader

        init(
            _ name: String, _ code: NaruError.Code, _ change: @escaping @Sendable (Int, RecordHeader) -> RecordHeader
        ) {
            (testDescription, self.code, self.change) = (name, code, change)
        }
    }

    /// Sizes that a peer declares: wrong, above the link's maximum, without end.
    @Test(
        arguments: [
            [59], [61], [0], [], [0x80, 0], [0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [UInt8](repeating: 0xFF, count: 9),
        ] as [[UInt8]])
    func aFalseSizeIsCorrupted(_ size: [UInt8]) async throws {
        let pair = try pair { header, bytes in
            header.flags.contains(.compressed) ? (header, size + bytes.dropFirst()) : (header, bytes)
        }
        let (sender, receiver) = try await pair.connect(Self.request)
        try await sender.send(Self.record(0))
        let error = try await naruError { _ = try await receiver.receive(deadline: .after(.seconds(20))) { _ in } }
        #expect(error?.code == .corrupted, "\(String(describing: error))")
        #expect(receiver.control.counters.violations == 1)
    }

    /// A message of several records is given up half way: what follows must begin a new history, and does.
    @Test(arguments: [true, false]) func anAbortedMessageBreaksTheHistory(_ isHonest: Bool) async throws {
        let tape = Tape()
        let transport = TamperingTransport(MemoryTransport(.asynchronous)) { header, bytes in
            var header = header
            tape.add(header)
            if !isHonest, tape.all.contains(where: { $0.kind == .abort }) { header.flags.remove(.reset) }
            return (header, bytes)
        }
        let pair = try RuntimePair(
            dialer: [transport], listener: [transport], codecs: ([RecallCodec()], [RecallCodec()]))
        let (sender, receiver) = try await pair.connect(Self.request)
        try await expectWorks((sender, receiver), Self.record(0))
        // Eight records of 4 KiB fit, and this one needs more.
        var state: UInt32 = 7
        let large = (0..<90_000).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(truncatingIfNeeded: state >> 24 & state >> 16)
        }
        let late = try await naruError { try await sender.send(large, deadline: .after(.milliseconds(2))) }
        #expect(late?.code == .deadlineExceeded)
        #expect(try receiver.drain(max: 100) { _ in } == 0)
        try await sender.send(Self.record(1), deadline: .after(.seconds(20)))
        let error = try await naruError {
            let found = try await receiver.receive(deadline: .after(.seconds(20))) { [UInt8](copying: $0.bytes) }
            #expect(found == Self.record(1))
        }
        #expect(error?.code == (isHonest ? nil : .protocolViolation))
        #expect(tape.all.contains { $0.kind == .fragment && $0.flags.contains(.history) })
        #expect(tape.data.last == [.compressed, .history, .reset])
    }

    /// A message that the codec makes larger than the link's messages may be travels raw, and breaks the history.
    @Test func aMessageThatGrowsAboveTheMaximumTravelsRaw() async throws {
        let tape = Tape()
        let pair = try pair { header, bytes in
            tape.add(header)
            return (header, bytes)
        }
        let (sender, receiver) = try await pair.connect(
            LinkRequest(requirements: Requirements(maximumMessageBytes: 200), compression: .forced("recall")))
        let sizes = [60, 200, 189, 60]
        for (index, size) in sizes.enumerated() {
            // Nothing in common with the one before, but bytes that are frequent.
            try await expectWorks((sender, receiver), (0..<size).map { [UInt8(index), 7, 7, 9][($0 + index) % 4] })
        }
        let history: RecordHeader.Flags = [.compressed, .history]
        #expect(tape.data == [history.union(.reset), [], history.union(.reset), history])
        #expect(sender.control.counters.messagesIncompressible == 1)
    }

    /// What the encoder sees: nothing that finds no room; and an error of its own breaks its history only.
    @Test func theCodecSeesOnlyWhatIsSent() async throws {
        let codec = WatchedCodec()
        let transports = [MemoryTransport(.asynchronous)]
        let pair = try RuntimePair(dialer: transports, listener: transports, codecs: ([codec], [codec]))
        let (sender, receiver) = try await pair.connect(Self.request)
        var sent = 0
        while try sender.trySend(OwnedMessage(Self.record(sent)).bytes) { sent += 1 }
        for _ in 0..<20 {
            let hasRoom = try sender.trySend(OwnedMessage(Self.record(99)).bytes)
            #expect(!hasRoom)
        }
        let late = try await naruError { try await sender.send(Self.record(98), deadline: .after(.milliseconds(2))) }
        #expect(late?.code == .deadlineExceeded)
        #expect(codec.seen.withLock { $0 } == sent)
        for index in 0..<sent {
            let found = try await receiver.receive(deadline: .after(.seconds(20))) { [UInt8](copying: $0.bytes) }
            #expect(found == Self.record(index))
        }
        codec.fails.withLock { $0 = true }
        let error = try await naruError { try await sender.send(Self.record(97)) }
        #expect(error?.code == .resourceExhausted)
        for index in 0..<3 { try await expectWorks((sender, receiver), Self.record(index)) }
        #expect(sender.control.counters.messagesSent == UInt64(sent) + 3)
    }

    /// Counts what its encoders see, and fails when told, after the history has advanced.
    private final class WatchedCodec: HistoryCodec {
        let seen = Mutex(0)
        let fails = Mutex(false)
        let base = RecallCodec()
        var name: String { base.name }
        var levels: ClosedRange<Int> { base.levels }
        var defaultLevel: Int { base.defaultLevel }
        var minimumHistoryMessageBytes: Int { base.minimumHistoryMessageBytes }
        func makeEncoder(level: Int) throws(NaruError) -> any MessageEncoder { try base.makeEncoder(level: level) }
        func makeDecoder() throws(NaruError) -> any MessageDecoder { try base.makeDecoder() }
        func makeHistoryDecoder() throws(NaruError) -> any HistoryDecoder { try base.makeHistoryDecoder() }
        func makeHistoryEncoder(level: Int) throws(NaruError) -> any HistoryEncoder {
            WatchedEncoder(try base.makeHistoryEncoder(level: level), self)
        }
    }

    private final class WatchedEncoder: HistoryEncoder {
        let base: any HistoryEncoder
        let codec: WatchedCodec

        init(_ base: any HistoryEncoder, _ codec: WatchedCodec) { (self.base, self.codec) = (base, codec) }

        func bound(_ byteCount: Int) -> Int { base.bound(byteCount) }

        func encode(
            _ bytes: RawSpan, startingAnew: Bool, into output: UnsafeMutableRawBufferPointer
        ) throws(NaruError) -> Int {
            codec.seen.withLock { $0 += 1 }
            let count = unsafe try base.encode(bytes, startingAnew: startingAnew, into: output)
            let fails = codec.fails.withLock { fails in
                defer { fails = false }
                return fails
            }
            if fails { throw .test("the encoder found no memory") }
            return count
        }
    }

    /// Two releases: one end's codec keeps no history, under the same name.
    @Test(arguments: [true, false]) func aPeerWithoutHistory(_ isListener: Bool) async throws {
        struct Older: Codec {
            let base = RecallCodec()
            var name: String { base.name }
            var levels: ClosedRange<Int> { base.levels }
            var defaultLevel: Int { base.defaultLevel }
            func makeEncoder(level: Int) throws(NaruError) -> any MessageEncoder { try base.makeEncoder(level: level) }
            func makeDecoder() throws(NaruError) -> any MessageDecoder { try base.makeDecoder() }
        }
        let codecs: ([any Codec], [any Codec]) =
            isListener ? ([RecallCodec()], [Older()]) : ([Older()], [RecallCodec()])
        let transports = [MemoryTransport()]
        let pair = try RuntimePair(dialer: transports, listener: transports, codecs: codecs)
        let link = try await pair.connect(Self.request)
        #expect(link.sender.control.agreement.forward == [LaneTerms(transport: "memory", codec: "recall")])
        for byte in 0..<20 { try await expectWorks(link, [UInt8](repeating: UInt8(byte), count: 500)) }
        let counters = link.sender.control.counters
        #expect(counters.wireBytesSent < counters.bytesSent / 4)
    }

    @Test func perMessageWhereItIsForced() async throws {
        let request = LinkRequest(compression: .forced("recall", history: false))
        let pair = try pair()
        let link = try await pair.connect(request)
        #expect(link.sender.control.agreement.forward == [LaneTerms(transport: "memory", codec: "recall")])
        try await expectWorks(link, [UInt8](repeating: 9, count: 500))
    }
}

extension RecordHeader {
    /// The same header with other flags.
    fileprivate func flags(_ flags: Flags) -> RecordHeader {
        var header = self
        header.flags = flags
        return header
    }
}
