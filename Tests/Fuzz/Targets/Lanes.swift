// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore

/// A record as a lane gave it, copied.
struct LaneRecord: Equatable {
    var header: RecordHeader
    var bytes: [UInt8]
}

/// How the targets use lanes: all of their calls of the lanes' interface stand here.
extension InboundLane {
    /// Takes up to `maximum` records, and says where in memory each of them lay.
    func take(_ maximum: Int, at place: (RawSpan) -> Void = { _ in }) -> (
        records: [LaneRecord], end: Result<Int, NaruError>
    ) {
        var records: [LaneRecord] = []
        let end = outcome { () throws(NaruError) in
            try drain(maximum) { record in
                place(record.bytes)
                records.append(LaneRecord(header: record.header, bytes: [UInt8](copying: record.bytes)))
                return .take
            }
        }
        return (records, end)
    }

    /// Borrows up to `maximum` records, copies them, and gives the last `leaving` back where there are more.
    func takeTogether(_ maximum: Int, leaving: Int, at place: (RawSpan) -> Void) -> (
        records: [LaneRecord], lent: Result<Int, NaruError>
    ) {
        // The lane writes no more of the buffer than it answers, and the records are read only while they are lent.
        let buffer = UnsafeMutableBufferPointer<LentRecord>.allocate(capacity: maximum)
        defer { unsafe buffer.deallocate() }
        let lent = outcome { () throws(NaruError) in unsafe try borrow(buffer) }
        guard case .success(let count) = lent, count > 0 else { return ([], lent) }
        let taken = count > leaving ? count - leaving : count
        var records: [LaneRecord] = []
        for index in 0..<taken {
            let record = unsafe buffer[index]
            let bytes = unsafe RawSpan(_unsafeStart: record.start, byteCount: record.byteCount)
            place(bytes)
            records.append(LaneRecord(header: RecordHeader(), bytes: [UInt8](copying: bytes)))
        }
        unsafe giveBack(UnsafeMutableBufferPointer(rebasing: buffer[..<count]), taken: taken)
        return (records, lent)
    }

    /// Arms the lane as a task would, and says whether it has ended.
    func prepare() -> Result<Bool, NaruError> {
        outcome { () throws(NaruError) in
            if case .ended = try arm(.task) { true } else { false }
        }
    }

    /// Looks at the first record without taking it.
    func peek() -> Result<Int, NaruError> {
        outcome { () throws(NaruError) in try drain(1) { _ in .leaveAndStop } }
    }
}

extension OutboundLane {
    /// Sends a copy.
    func put(_ record: LaneRecord) -> Result<Bool, NaruError> {
        outcome { () throws(NaruError) in unsafe try trySend(record.header, RawSpan(), record.bytes.span.bytes) }
    }
}
