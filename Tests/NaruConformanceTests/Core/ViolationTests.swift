// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruCore
import NaruSystem
import Testing

/// A peer that breaks the protocol of records: a typed error, the link closed, a counter raised, other links untouched.
@Suite(.timeLimit(.minutes(1))) struct ViolationTests {
    /// One way to break it: what becomes of every record.
    struct Tampering: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let tamper: TamperingTransport.Tamper

        init(_ name: String, _ tamper: @escaping TamperingTransport.Tamper) {
            testDescription = name
            self.tamper = tamper
        }
    }

    static let tamperings: [Tampering] = [
        Tampering("a kind that is not known") { header, bytes in (header.kind(99), bytes) },
        Tampering("the kind zero") { header, bytes in (header.kind(0), bytes) },
        Tampering("a fragment without its header") { header, bytes in (header.kind(2), [1, 2, 3]) },
        Tampering("a fragment of a message above the maximum") { header, _ in
            (header.kind(2), word(1) + word(1 << 40) + [1])
        },
        Tampering("a fragment longer than its message") { header, _ in
            (header.kind(2), word(1) + word(2) + [1, 2, 3])
        },
        Tampering("fragments of two messages mixed") { header, bytes in
            (header.kind(2), word(UInt64(bytes.first ?? 0)) + word(100) + [1])
        },
        Tampering("an extension longer than its record") { header, bytes in
            var header = header
            header.extensionByteCount = UInt16(bytes.count + 1)
            return (header, bytes)
        },
        Tampering("compressed without a codec") { header, bytes in
            var header = header
            header.flags = .compressed
            return (header, bytes)
        },
        Tampering("a finish too many") { header, _ in (header.kind(6), word(77)) },
        Tampering("a finish of three bytes") { header, _ in (header.kind(6), [0, 0, 0]) },
        Tampering("out of line, which nobody agreed") { header, bytes in (header.kind(4), bytes) },
    ]

    @Test(arguments: tamperings) func theLinkClosesAndSaysWhy(_ tampering: Tampering) async throws {
        let pair = try RuntimePair([TamperingTransport(MemoryTransport(), tampering.tamper)])
        let (sender, receiver) = try await pair.connect()
        // The second record makes the mixture of two messages' fragments.
        try await sender.send([1, 2, 3, 4])
        try await sender.send([2, 2, 3, 4])
        for _ in 0..<2 {
            let error = try #require(
                try await naruError { _ = try await receiver.receive(deadline: .after(.seconds(20))) { _ in } })
            #expect(error.code == .protocolViolation)
        }
        #expect(receiver.control.closeReason?.code == .protocolViolation)
        #expect(receiver.control.counters.violations == 1)
        #expect(receiver.control.counters.messagesReceived == 0)
        receiver.close()
        #expect(try await eventually { sender.control.closeReason != nil })
    }

    @Test func otherLinksOfTheRuntimeGoOn() async throws {
        // The links of messages that begin with 66 are those of the peer that breaks the protocol.
        let pair = try RuntimePair([
            TamperingTransport(MemoryTransport()) { header, bytes in
                bytes.first == 66 ? (header.kind(99), bytes) : (header, bytes)
            }
        ])
        let listener = try pair.listener.listener(pair.address)
        let good = try await pair.connect(to: listener)
        let bad = try await pair.connect(to: listener)
        try await bad.sender.send([66])
        let code = try await naruError { _ = try await bad.receiver.receive { _ in } }?.code
        #expect(code == .protocolViolation)
        try await expectWorks(good)
        #expect(good.receiver.control.counters.violations == 0)
        try await expectWorks(try await pair.connect(to: listener))
        listener.close()
    }

    @Test func anExtensionOfAnUnknownKindIsSkipped() async throws {
        let pair = try RuntimePair([
            TamperingTransport(MemoryTransport()) { header, bytes in
                var header = header
                header.flags = .extension
                header.extensionByteCount = 5
                return (header, [9, 9, 9, 9, 9] + bytes)
            }
        ])
        try await expectWorks(try await pair.connect(), [1, 2, 3])
    }

    private static func word(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}

extension RecordHeader {
    /// The same header with another kind.
    fileprivate func kind(_ rawValue: UInt8) -> RecordHeader {
        var header = self
        header.kind = Kind(rawValue: rawValue)
        return header
    }
}
