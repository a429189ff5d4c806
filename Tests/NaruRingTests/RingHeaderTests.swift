// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

@testable import NaruRing

@Suite struct RingHeaderTests {
    private func decode(_ bytes: [UInt8]) throws(NaruError) -> RingHeader {
        try unsafe RingHeader(decoding: bytes.span.bytes)
    }

    @Test func aHeaderComesBack() throws {
        let header = RingHeader(ringBytes: 262_144, link: .random())
        #expect(header.encoded.count == RingHeader.byteCount)
        #expect(String(decoding: header.encoded.prefix(8), as: UTF8.self) == "NARURING")
        #expect(try decode(header.encoded) == header)
        #expect(try decode(header.encoded + [1, 2, 3]) == header)
    }

    @Test func everyRingHasItsOwnNonce() {
        let link = LinkID.random()
        #expect(RingHeader(ringBytes: 4096, link: link) != RingHeader(ringBytes: 4096, link: link))
    }

    @Test func everyBitCounts() throws {
        let header = RingHeader(ringBytes: 262_144, link: .random())
        for bit in 0..<RingHeader.byteCount * 8 {
            var bytes = header.encoded
            bytes[bit / 8] ^= 1 << (bit % 8)
            // Refused, or another ring.
            if let other = try? decode(bytes) { #expect(other != header) }
        }
    }

    @Test(arguments: 0..<RingHeader.byteCount) func aTruncatedHeaderIsRefused(_ count: Int) {
        let bytes = Array(RingHeader(ringBytes: 4096, link: .random()).encoded.prefix(count))
        #expect(code { try decode(bytes) } == .protocolViolation)
    }

    @Test(arguments: [0, 1, 4095, 4097, 2048, 12288, 1 << 31, 1 << 62, 1 << 63, .max] as [UInt64])
    func aRingOfAnotherSizeIsRefused(_ size: UInt64) {
        var bytes = RingHeader(ringBytes: 4096, link: .random()).encoded
        for index in 0..<8 { bytes[16 + index] = UInt8(truncatingIfNeeded: size >> (8 * UInt64(index))) }
        #expect(code { try decode(bytes) } == .protocolViolation)
    }

    @Test func aReaderAcceptsTheRingThatWasAnnounced() throws {
        let memory = try makeRingMemory(ringBytes: 4096)
        let checked = try RingMemory(checking: memory.header, data: memory.data, control: memory.control)
        #expect(checked.header == memory.header)
    }

    @Test func aReaderRefusesAnotherRing() throws {
        let memory = try makeRingMemory(ringBytes: 4096)
        let other = RingHeader(ringBytes: 4096, link: memory.header.link)
        func check(_ header: RingHeader, _ data: Mapping, _ control: Mapping) -> NaruError.Code? {
            code { try RingMemory(checking: header, data: data, control: control) }
        }
        #expect(check(other, memory.data, memory.control) == .protocolViolation)
        #expect(check(memory.header, memory.control, memory.data) == .protocolViolation)
        #expect(check(memory.header, memory.data, memory.data) == .protocolViolation)
        let empty = try Mapping(sharedAnonymousByteCount: memory.data.byteCount)
        #expect(check(memory.header, empty, memory.control) == .protocolViolation)
    }

    @Test func theLargestRecordFitsTwiceIntoEveryRing() {
        var ringBytes = RingLayout.minimumRingBytes
        while ringBytes <= RingLayout.maximumRingBytes {
            #expect(RingLayout.isValid(ringBytes: ringBytes))
            let maximum = RingLayout.maximumRecordBytes(ringBytes: ringBytes)
            #expect(maximum <= RecordHeader.maximumByteCount)
            #expect(2 * RecordRoom.stride(maximum) <= ringBytes)
            ringBytes *= 2
        }
    }
}
