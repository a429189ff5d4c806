// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Synchronization

@testable import NaruRing

/// The input is where the ring begins, and then step by step what writer and reader do. As long as the reader is
/// honest, it must get what was sent.
enum WriterFuzz {
    /// What a step does; the last three are a hostile reader's.
    enum Step: UInt8, CaseIterable {
        case send, sendLarge, reserve, commit, abort, hold, publish, arm, disarm, spin, take, close
        case cursor, move, word
    }

    static func run(_ bytes: [UInt8]) throws(Finding) {
        try memory.withLock { memory throws(Finding) in
            var input = Input(bytes)
            memory.clean()
            // Near the end of all numbers, or at the begin.
            let start = UInt64(0) &- (input.number(2) & ~7)
            var bench = WriterBench(memory, start: start)
            for _ in 0..<500 where !input.isEmpty { try bench.step(&input) }
            try bench.end()
        }
    }

    private static let memory = Mutex(makeRing(4096))
}

/// A writer, its reader, and what the reader should get.
// Safe: the one pointer is a loan, which is used only while the lane lends it.
@safe struct WriterBench {
    private let memory: RingMemory
    private let outbound: RingOutboundLane
    private let inbound: RingInboundLane
    private let before: [UInt8]
    private var isHonest = true
    private var isBatch = false
    private var loan: UnsafeMutableRawBufferPointer?
    private var isClosed = false
    private var isViolated = false
    /// What was accepted and not yet taken.
    private var sent: [LaneRecord] = []
    private var seed: UInt8 = 0

    init(_ memory: RingMemory, start: UInt64) {
        self.memory = memory
        before = memory.header.encoded
        unsafe UnsafeMutableRawPointer(mutating: memory.cursor).storeBytes(of: start, as: UInt64.self)
        outbound = RingOutboundLane(memory, name: "fuzz", peerBell: DeafBell(), startingAt: start)
        inbound = RingInboundLane(memory, name: "fuzz", peerBell: DeafBell(), startingAt: start)
    }

    mutating func step(_ input: inout Input) throws(Finding) {
        switch WriterFuzz.Step(rawValue: input.byte() % UInt8(WriterFuzz.Step.allCases.count)) ?? .send {
        case .send: try send(Int(input.byte()))
        case .sendLarge: try send(Int(input.number(2) % 1100))
        case .reserve: try reserve(Int(input.number(2) % 1100))
        case .commit: try commit(Int(input.number(2) % 1100))
        case .abort:
            outbound.abort()
            unsafe loan = nil
        case .hold:
            outbound.hold()
            isBatch = true
        case .publish:
            isBatch = false
            if case .failure(let error) = outcome({ () throws(NaruError) in try outbound.publish() }) {
                try judge(error)
            }
        case .arm:
            let byteCount = Int(input.byte())
            let style: WaitStyle = input.byte() & 1 == 0 ? .thread : .task
            let armed = outcome { () throws(NaruError) in try outbound.arm(style, byteCount: byteCount) }
            if case .failure(let error) = armed { try judge(error) }
        case .disarm: outbound.disarm()
        case .spin: _ = outbound.spin(2, byteCount: Int(input.byte()))
        case .take: try take(Int(input.byte()))
        case .close:
            outbound.close()
            isClosed = true
        case .cursor: forgeCursor(input.number(8))
        case .move:
            let now = unsafe memory.cursor.pointee.load(ordering: .relaxed)
            forgeCursor(now &+ UInt64(bitPattern: Int64(Int16(truncatingIfNeeded: input.number(2)))))
        case .word:
            isHonest = false
            let offset = [RingLayout.readerArmedOffset, RingLayout.writerArmedOffset, RingLayout.readerClosedOffset]
            let place = offset[Int(input.byte()) % 3] + Int(input.byte() & 1) * 4
            unsafe memory.control.base.storeBytes(of: UInt32(input.number(4)), toByteOffset: place, as: UInt32.self)
        }
    }

    /// Everything is shown and taken.
    mutating func end() throws(Finding) {
        outbound.abort()
        unsafe loan = nil
        outbound.close()
        isBatch = false
        try take(10_000)
        try require(!isHonest || sent.isEmpty, "\(sent.count) records were lost")
        try require(memory.encodedHeader == before, "the writer wrote over the ring's header")
        inbound.close()
    }

    private mutating func send(_ byteCount: Int) throws(Finding) {
        let record = record(byteCount)
        switch outbound.put(record) {
        case .success(true):
            try require(unsafe loan == nil, "a record beside a loan")
            sent.append(record)
        case .success(false): break
        case .failure(let error): try judge(error)
        }
    }

    private mutating func reserve(_ byteCount: Int) throws(Finding) {
        switch unsafe outcome({ () throws(NaruError) in unsafe try outbound.reserve(byteCount) }) {
        case .success(let room?):
            try require(unsafe loan == nil, "two loans")
            try require(room.count == byteCount, "a loan of \(room.count) bytes instead of \(byteCount)")
            try require(
                unsafe memory.holds(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(room))), "a loan outside the ring")
            unsafe loan = room
        case .success(nil): break
        case .failure(let error): try judge(error)
        }
    }

    private mutating func commit(_ byteCount: Int) throws(Finding) {
        let record = record(byteCount)
        // In the loan, as `reserve` checked.
        if let room = unsafe loan, byteCount <= room.count { unsafe room.copyBytes(from: record.bytes) }
        switch outcome({ () throws(NaruError) in try outbound.commit(record.header, byteCount: byteCount) }) {
        case .success:
            let lent = if let room = unsafe loan { room.count } else { -1 }
            try require(byteCount <= lent, "a commit of \(byteCount) bytes of a loan of \(lent)")
            sent.append(record)
            unsafe loan = nil
        case .failure(let error):
            if error.code != .invalidArgument { unsafe loan = nil }
            try judge(error)
        }
    }

    private mutating func take(_ maximum: Int) throws(Finding) {
        let (records, end) = inbound.take(maximum)
        guard isHonest else { return }
        if case .failure(let error) = end { throw Finding(description: "an honest writer is refused: \(error)") }
        try require(records == Array(sent.prefix(records.count)), "other records than were sent")
        sent.removeFirst(records.count)
        try require(isBatch || records.count == maximum || sent.isEmpty, "\(sent.count) records are not shown")
    }

    private mutating func forgeCursor(_ position: UInt64) {
        isHonest = false
        unsafe UnsafeMutableRawPointer(mutating: memory.cursor).storeBytes(of: position, as: UInt64.self)
    }

    private mutating func judge(_ error: NaruError) throws(Finding) {
        try require(error, isOneOf: .protocolViolation, .closed, .invalidArgument, .messageTooLarge)
        switch error.code {
        case .protocolViolation:
            try require(!isHonest, "an honest reader is refused: \(error)")
            isViolated = true
        case .closed: try require(isClosed, "a lane says that it is closed: \(error)")
        case .messageTooLarge: try require(!isViolated && !isClosed, "a violation is forgotten: \(error)")
        default: break
        }
    }

    private mutating func record(_ byteCount: Int) -> LaneRecord {
        seed &+= 1
        return LaneRecord(
            header: RecordHeader(kind: seed & 1 == 0 ? .data : .fragment, flags: .init(rawValue: seed & 2)),
            bytes: (0..<byteCount).map { UInt8(truncatingIfNeeded: $0) &+ seed })
    }
}
