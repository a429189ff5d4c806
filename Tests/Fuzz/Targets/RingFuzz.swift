// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Synchronization

@testable import NaruRing

/// The input is the position in eights, how many bytes lie in the first ring from there on, these bytes, and what lies
/// in the larger ring behind it. The header words are in the input as they are in memory.
///
/// What the lane gives is compared with a reader written from the layout's description alone.
enum RingFuzz {
    /// The rings' sizes, bytes.
    static let sizes = (4096, 8192)
    /// The most records that one drain takes.
    private static let maximum = 256

    static func run(_ bytes: [UInt8]) throws(Finding) {
        var input = Input(bytes)
        let position = input.number(2) % 512 * 8
        let first = input.bytes(Int(input.number(2)))
        let second = input.remaining()
        // Read only the begin of the lock, and made again for every input.
        try bench.withLock { bench throws(Finding) in
            bench.clean()
            bench.first.fill(first, from: Int(position))
            bench.second.fill(second, from: 0)
            try check(bench, position)
        }
    }

    private static func makeLane(_ bench: Bench, _ position: UInt64) throws(Finding) -> RingInboundLane {
        let successors = RingSuccessors()
        guard (try? successors.keep(bench.second, 1)) != nil else {
            throw Finding(description: "no larger ring is kept")
        }
        return RingInboundLane(
            bench.first, name: "fuzz", peerBell: DeafBell(), successors: successors, startingAt: position)
    }

    private static func check(_ bench: Bench, _ position: UInt64) throws(Finding) {
        try checkBorrowed(bench, position)
        let lane = try makeLane(bench, position)
        defer { lane.close() }
        let expected = RingReference(rings: [bench.first.contents, bench.second.contents])
            .read(from: Int(position), maximum)

        let isThere = lane.peek()
        var outside = 0
        let (records, end) = lane.take(maximum) { place in
            if !bench.first.holds(place), !bench.second.holds(place) { outside += 1 }
        }
        try require(outside == 0, "\(outside) records that lie outside the rings")
        try require(records == expected.records, "\(records.count) records, not \(expected.records.count), or others")
        switch end {
        case .success(let count):
            try require(!expected.isViolated, "a word that is no record was passed over")
            try require(count == records.count, "\(records.count) records are counted as \(count)")
        case .failure(let error):
            try require(error, isOneOf: .protocolViolation)
            try require(expected.isViolated, "a good ring is refused: \(error)")
        }
        if case .failure(let error) = isThere { try require(error, isOneOf: .protocolViolation) }
        try goOn(lane, isViolated: expected.isViolated)
    }

    /// As `check`, but what the lane lends together is borrowed: another reader of the same words.
    private static func checkBorrowed(_ bench: Bench, _ position: UInt64) throws(Finding) {
        let lane = try makeLane(bench, position)
        defer { lane.close() }
        let expected = RingReference(rings: [bench.first.contents, bench.second.contents])
            .read(from: Int(position), maximum)
        var records: [LaneRecord] = []
        var outside = 0
        var isViolated = false
        while records.count < maximum, !isViolated {
            // Runs of every length up to 7, of which the last is given back now and then.
            let size = min(1 + records.count % 7, maximum - records.count)
            let (run, lent) = lane.takeTogether(size, leaving: records.count % 2) { place in
                if !bench.first.holds(place), !bench.second.holds(place) { outside += 1 }
            }
            if case .failure(let error) = lent { try require(error, isOneOf: .protocolViolation) }
            records += run
            if !run.isEmpty { continue }
            let (one, end) = lane.take(1)
            if case .failure = end { isViolated = true } else if one.isEmpty { break }
            records += one
        }
        try require(outside == 0, "\(outside) lent records that lie outside the rings")
        try require(
            records == expected.records, "\(records.count) borrowed records, not \(expected.records.count), or others")
        try require(records.count == maximum || isViolated == expected.isViolated, "a violation is seen otherwise")
    }

    /// The same memory again and again, as a writer may leave it.
    private static func goOn(_ lane: RingInboundLane, isViolated: Bool) throws(Finding) {
        var isViolated = isViolated
        for _ in 0..<3 {
            _ = lane.spin(2)
            let armed = lane.prepare()
            lane.disarm()
            if case .failure(let error) = armed {
                try require(error, isOneOf: .protocolViolation)
                try require(isViolated, "a lane without a fault cannot be armed")
            }
            let (records, end) = lane.take(8)
            try require(records.count <= 8, "\(records.count) records of at most 8")
            switch end {
            case .success: try require(!isViolated, "a violation is forgotten")
            case .failure(let error):
                try require(error, isOneOf: .protocolViolation)
                isViolated = true
            }
        }
    }

    /// The memories, made once.
    private struct Bench: Sendable {
        let first = makeRing(sizes.0)
        let second = makeRing(sizes.1)

        func clean() {
            for memory in [first, second] { memory.clean() }
        }
    }

    private static let bench = Mutex(Bench())
}

/// A ring in anonymous memory.
func makeRing(_ ringBytes: Int) -> RingMemory {
    do {
        return RingMemory(
            preparing: RingHeader(ringBytes: ringBytes, link: LinkID(high: 1, low: 2)),
            data: try Mapping(sharedAnonymousByteCount: RingLayout.dataByteCount(ringBytes: ringBytes)),
            control: try Mapping(sharedAnonymousByteCount: RingLayout.controlByteCount))
    } catch {
        preconditionFailure("there is no memory for a ring: \(error)")
    }
}

// The ring lies in the mapping, with the size that the header states; one thread uses it.
extension RingMemory {
    private var buffer: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: ring, count: header.ringBytes)
    }

    /// The ring's bytes.
    var contents: [UInt8] { unsafe [UInt8](buffer) }

    /// The header as it stands in the memory.
    var encodedHeader: [UInt8] {
        unsafe [UInt8](UnsafeRawBufferPointer(start: data.base, count: RingHeader.byteCount))
    }

    /// Nothing was written or released yet, and no end has closed.
    func clean() {
        _ = unsafe buffer.initializeMemory(as: UInt8.self, repeating: 0)
        unsafe control.base.initializeMemory(as: UInt8.self, repeating: 0, count: 512)
        unsafe data.base.storeBytes(of: 0, toByteOffset: RingLayout.writerClosedOffset, as: UInt32.self)
    }

    /// Writes bytes from an offset on, around the ring's end.
    func fill(_ bytes: [UInt8], from offset: Int) {
        for (index, byte) in bytes.prefix(header.ringBytes).enumerated() {
            unsafe buffer[(offset + index) % header.ringBytes] = byte
        }
    }

    /// Whether memory lies in the ring; memory without bytes lies everywhere.
    func holds(_ place: RawSpan) -> Bool {
        unsafe place.withUnsafeBytes { place in
            guard let begin = place.baseAddress, place.count > 0 else { return true }
            let offset = unsafe begin - UnsafeRawPointer(ring)
            return offset >= 8 && offset + place.count <= header.ringBytes
        }
    }
}
