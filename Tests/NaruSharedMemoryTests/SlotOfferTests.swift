// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruRing
import NaruSystem
import Testing

@testable import NaruSharedMemory

/// Slots as real memory files, offered by one end and mapped by the other.
@Suite struct SlotOfferTests {
    private static let large = 3 << 20

    private func record(_ byteCount: Int, _ seed: UInt8) -> [UInt8] {
        var bytes = [UInt8](repeating: seed, count: byteCount)
        bytes[byteCount - 1] = ~seed
        return bytes
    }

    @Test func aSlotIsMadeWhenFirstNeededAndCarriesWhatTheRingCannot() throws {
        let pair = try OfferingPair()
        let limit = pair.outbound.maximumRecordBytes
        #expect(limit < Self.large)
        pair.outbound.expect(Self.large)
        #expect(pair.outbound.maximumRecordBytes == limit)
        try pair.talk()
        #expect(pair.outbound.maximumRecordBytes == 4 << 20)
        for step in 0..<10 as Range<UInt8> {
            let bytes = record(Self.large + Int(step), step)
            #expect(try pair.outbound.trySend(bytes))
            #expect(try pair.inbound.receiveAll() == [bytes])
        }
    }

    /// The reader cannot write what it reads, nor the kernel let it map so.
    @Test func whatIsOfferedIsSealedAndReadOnly() throws {
        let pair = try OfferingPair()
        pair.outbound.expect(Self.large)
        try pair.talk { message in
            let data = message.descriptors[0]
            let seals = (try MemoryFile.seals(of: data), try MemoryFile.seals(of: message.descriptors[1]))
            #expect(seals.0.isSuperset(of: MemoryFiles.dataSeals))
            #expect(seals.1.isSuperset(of: MemoryFiles.controlSeals))
            #expect(throws: SystemError.self) {
                try Mapping(data, byteCount: 4096, access: .readWrite, prefault: false)
            }
            #expect(throws: SystemError.self) { try data.truncate(to: 0) }
            return message
        }
        #expect(pair.outbound.maximumRecordBytes == 4 << 20)
    }

    @Test func anOfferWhoseDescriptorsGotLostIsDeclinedAndHarmsNothing() throws {
        let pair = try OfferingPair()
        let limit = pair.outbound.maximumRecordBytes
        pair.outbound.expect(Self.large)
        try pair.talk { OpeningMessage(bytes: $0.bytes) }
        #expect(pair.outbound.maximumRecordBytes == limit)
        #expect(try pair.outbound.trySend([1, 2, 3]))
        #expect(try pair.inbound.receiveAll() == [[1, 2, 3]])
    }

    private func expectViolation(
        _ comment: Comment, sourceLocation: SourceLocation = #_sourceLocation,
        _ tamper: (OpeningMessage) throws -> OpeningMessage
    ) throws {
        let pair = try OfferingPair()
        pair.outbound.expect(Self.large)
        #expect(comment, sourceLocation: sourceLocation) {
            try pair.talk(tamper)
        } throws: { error in
            (error as? NaruError)?.code == .protocolViolation
        }
    }

    private func file(_ byteCount: Int, _ seals: MemoryFile.Seals) throws -> Descriptor {
        let file = try MemoryFile.create(name: "hostile", byteCount: byteCount)
        try MemoryFile.seal(file, seals)
        return file
    }

    @Test func filesThatAreNotWhatTheyMustBeAreViolations() throws {
        let size = RingSlotLayout.dataByteCount(slotBytes: 4 << 20)
        let (socket, _) = try UnixSocket.pair(kind: .stream)
        let null = try FileSystem.open("/dev/null", [.read, .write], permissions: 0)
        let data: [(String, Descriptor)] = [
            ("a socket", socket), ("a device", null), ("too small", try file(size - 1, MemoryFiles.dataSeals)),
            ("a page too small", try file(size - 4096, MemoryFiles.dataSeals)),
            ("too large", try file(size + 1, MemoryFiles.dataSeals)), ("not sealed", try file(size, [])),
            ("writable", try file(size, MemoryFiles.controlSeals)),
            ("shrinkable", try file(size, MemoryFiles.dataSeals.subtracting(.shrink))),
        ]
        for (name, descriptor) in data {
            try expectViolation("data: \(name)") {
                OpeningMessage(bytes: $0.bytes, descriptors: [descriptor, $0.descriptors[1]])
            }
        }
        let control: [(String, Descriptor)] = [
            ("a socket", socket), ("too small", try file(8, MemoryFiles.controlSeals)),
            ("shrinkable", try file(4096, [.grow, .seal])),
        ]
        for (name, descriptor) in control {
            try expectViolation("control: \(name)") {
                OpeningMessage(bytes: $0.bytes, descriptors: [$0.descriptors[0], descriptor])
            }
        }
        try expectViolation("one descriptor") {
            OpeningMessage(bytes: $0.bytes, descriptors: [$0.descriptors[0]])
        }
        try expectViolation("three descriptors") {
            OpeningMessage(bytes: $0.bytes, descriptors: $0.descriptors + [null])
        }
    }

    @Test func offersOfAnotherShapeAreViolations() throws {
        for bit in 0..<8 {
            // Another kind of message, or none.
            try expectViolation("what, bit \(bit)") {
                var message = $0
                message.bytes[0] ^= 1 << bit
                if [3, 5, 6].contains(message.bytes[0]) { message.bytes[0] = 7 }  // An answer, which is no violation.
                return message
            }
        }
        for bit in 72..<136 {
            // Another size than that of the file, or than any slot has.
            try expectViolation("size, bit \(bit)") {
                var message = $0
                message.bytes[bit / 8] ^= 1 << (bit % 8)
                return message
            }
        }
        for count in [0, 1, 8, 9, 16] {
            try expectViolation("\(count) bytes") {
                OpeningMessage(bytes: Array($0.bytes.prefix(count)), descriptors: $0.descriptors)
            }
        }
        try expectViolation("a byte more") {
            OpeningMessage(bytes: $0.bytes + [0], descriptors: $0.descriptors)
        }
    }

    @Test func thePeerCannotMakeThisEndMapWithoutBound() throws {
        let pair = try OfferingPair()
        let slotBytes = 4 << 20
        func offer(_ number: UInt8) throws -> OpeningMessage {
            let slot = try SlotFiles.create(slotBytes: slotBytes, SharedMemoryBudget())
            return OpeningMessage(
                bytes: [4, number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0],
                descriptors: [slot.files.data, slot.files.control])
        }
        for number in 1...UInt8(RingSlotLayout.slotCount(slotBytes: slotBytes)) { try pair.give(offer(number)) }
        let next = try offer(99)
        #expect {
            try pair.give(next)
        } throws: { error in
            (error as? NaruError)?.code == .protocolViolation
        }
    }

    @Test func anOfferToAnEndThatOnlySendsIsAViolation() throws {
        let reactor = try Reactor(name: "slot-test")
        defer { reactor.shutdown() }
        let pair = try OpeningPair(.simplex)
        defer { pair.reactor.shutdown() }
        let offers = MemoryOffers(
            pair.dialer, port: HeldPort(), maximumRingBytes: 1 << 22, budget: SharedMemoryBudget())
        #expect {
            try offers.receive(OpeningMessage(bytes: [4] + [UInt8](repeating: 0, count: 16)))
        } throws: { error in
            (error as? NaruError)?.code == .protocolViolation
        }
    }
}
