// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Synchronization

@testable import NaruRing

/// A ring over anonymous shared memory, with both of its ends in this process.
final class RingPair {
    let memory: RingMemory
    let outbound: RingOutboundLane
    let inbound: RingInboundLane
    /// Rung by the writer for the reader.
    let readerBell = CountingBell()
    /// Rung by the reader for the writer.
    let writerBell = CountingBell()

    init(ringBytes: Int = 4096, startingAt position: UInt64 = 0) throws {
        memory = try makeRingMemory(ringBytes: ringBytes)
        // A ring that has come as far as this.
        unsafe memory.cursor.pointee.store(position, ordering: .relaxed)
        outbound = RingOutboundLane(memory, name: "test", peerBell: readerBell, startingAt: position)
        inbound = RingInboundLane(memory, name: "test", peerBell: writerBell, startingAt: position)
    }

    /// Everything that the reader sees now, up to more than any ring here holds: a reader that finds no end fails.
    func receiveAll() throws(NaruError) -> [Received] {
        try inbound.receive(10_000)
    }
}

func makeRingMemory(ringBytes: Int) throws -> RingMemory {
    RingMemory(
        preparing: RingHeader(ringBytes: ringBytes, link: .random()),
        data: try Mapping(sharedAnonymousByteCount: RingLayout.dataByteCount(ringBytes: ringBytes)),
        control: try Mapping(sharedAnonymousByteCount: RingLayout.controlByteCount))
}

/// A record, copied.
struct Received: Equatable {
    var header = RecordHeader()
    var bytes: [UInt8]
}

extension InboundLane {
    /// Takes up to `maximum` records and copies them.
    func receive(_ maximum: Int) throws(NaruError) -> [Received] {
        var all: [Received] = []
        let count = try drain(maximum) { record in
            all.append(Received(header: record.header, bytes: [UInt8](copying: record.bytes)))
            return .take
        }
        precondition(count == all.count)
        return all
    }
}

extension OutboundLane {
    /// Copies a record of one array, or two, in.
    func trySend(
        _ bytes: [UInt8], _ header: RecordHeader = RecordHeader(), prefix: [UInt8] = []
    ) throws(NaruError) -> Bool {
        try unsafe trySend(header, prefix.span.bytes, bytes.span.bytes)
    }

    /// Reserves a loan.
    func lend(_ byteCount: Int) throws(NaruError) -> Loan? {
        guard let room = try unsafe reserve(byteCount) else { return nil }
        return unsafe Loan(room: room)
    }
}

/// Memory that a lane lends; each test ends its use before it ends the loan.
@safe struct Loan {
    private let room: UnsafeMutableRawBufferPointer
    init(room: UnsafeMutableRawBufferPointer) { unsafe self.room = room }
    var byteCount: Int { unsafe room.count }
    var isAligned: Bool { unsafe Int(bitPattern: room.baseAddress) % 8 == 0 }
    func fill(_ bytes: [UInt8]) { unsafe room.copyBytes(from: bytes) }
    func fill(repeating byte: UInt8) { _ = unsafe room.initializeMemory(as: UInt8.self, repeating: byte) }
}

/// A bell that counts.
final class CountingBell: Bell {
    private let rings = Atomic<Int>(0)
    var count: Int { rings.load(ordering: .acquiring) }
    func ring() { rings.add(1, ordering: .releasing) }
}

/// Random numbers that a failed test can repeat.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// `count` bytes that only `seed` yields.
func pattern(_ seed: UInt64, _ count: Int) -> [UInt8] {
    var generator = SeededGenerator(state: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
        let word = generator.next()
        for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * UInt64(shift)))) }
    }
    bytes.removeLast(bytes.count - count)
    return bytes
}

/// Passes a value that is not `Sendable` to the one thread that uses it from then on, until it is joined.
struct Handover<Value>: @unchecked Sendable {
    // The test hands the value over before the thread starts and looks at it again after it joined.
    let value: Value
    init(_ value: Value) { self.value = value }
}

/// The code of the error that `body` throws, or `nil` when it throws none.
func code<T>(_ body: () throws -> T) -> NaruError.Code? {
    do {
        _ = try body()
        return nil
    } catch {
        return (error as? NaruError)?.code
    }
}
