// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruStream
import NaruSystem

/// The input is a byte for the sizes of the pieces, of which there are not too many, then the stream.
///
/// What the lane gives is compared with a reader written from the format's description alone.
enum StreamFuzz {
    /// The most bytes of a record.
    static let maximumRecordBytes = 1024

    static func run(_ bytes: [UInt8]) throws(Finding) {
        var input = Input(bytes)
        let byte = Int(input.byte())
        let stream = input.remaining()
        let pieces = max(byte * 4 + 1, stream.count / 32)
        let expected = reference(stream)
        guard let (reading, writing) = try? SystemPipe.make(nonBlocking: true) else {
            preconditionFailure("there is no pipe")
        }
        let lane = StreamInboundLane(
            StreamEnd(reading, kind: .pipe), maximumRecordBytes: maximumRecordBytes, name: "fuzz")
        defer { lane.close() }
        var records: [LaneRecord] = []
        var failure: NaruError?
        var rest = stream[...]
        while failure == nil {
            // Pieces are smaller than a pipe, which is empty again before the next.
            // Read only, and during the call.
            _ = unsafe rest.prefix(pieces).withUnsafeBytes { unsafe try? writing.write($0) }
            rest = rest.dropFirst(pieces)
            let isLast = rest.isEmpty
            if isLast { writing.close() }
            failure = drainAll(lane, &records)
            if isLast { break }
        }
        writing.close()
        try require(records == expected.records, "\(records.count) records, not \(expected.records.count), or others")
        if let failure {
            try require(failure, isOneOf: .protocolViolation)
            try require(expected.isViolated, "a good stream is refused: \(failure)")
            guard case .failure = lane.peek() else { throw Finding(description: "a violation is forgotten") }
        } else {
            try require(!expected.isViolated, "a word that is no record was passed over")
            guard case .success(true) = lane.prepare() else {
                throw Finding(description: "the end is not seen")
            }
            lane.disarm()
        }
        try roundTrip(expected.records)
    }

    /// Takes what is there, in drains of several sizes.
    private static func drainAll(_ lane: StreamInboundLane, _ records: inout [LaneRecord]) -> NaruError? {
        while true {
            if case .failure(let error) = lane.peek() { return error }
            let (taken, end) = lane.take(1 + records.count % 5)
            records += taken
            switch end {
            case .failure(let error): return error
            case .success(0): return nil
            case .success: break
            }
        }
    }

    private static func reference(_ stream: [UInt8]) -> RingReference.Answer {
        var answer = RingReference.Answer()
        var position = 0
        while position + 8 <= stream.count {
            let word = stream[position..<position + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let byteCount = Int(word & 0xffff_ffff) - 1
            let (kind, extensionBytes) = (UInt8(truncatingIfNeeded: word >> 32), Int(word >> 48))
            guard byteCount >= 0, byteCount <= maximumRecordBytes, [1, 2, 3, 5, 6].contains(kind),
                extensionBytes <= byteCount
            else {
                answer.isViolated = true
                return answer
            }
            guard position + 8 + byteCount <= stream.count else { return answer }
            let header = RecordHeader(
                kind: .init(rawValue: kind), flags: .init(rawValue: UInt8(truncatingIfNeeded: word >> 40)),
                extensionByteCount: UInt16(extensionBytes))
            answer.records.append(
                LaneRecord(header: header, bytes: Array(stream[position + 8..<position + 8 + byteCount])))
            position += 8 + (byteCount + 7) / 8 * 8
        }
        return answer
    }

    /// What was read, sent and read again is the same.
    private static func roundTrip(_ records: [LaneRecord]) throws(Finding) {
        guard !records.isEmpty, let (reading, writing) = try? SystemPipe.make(nonBlocking: true) else { return }
        let outbound = StreamOutboundLane(StreamEnd(writing, kind: .pipe), maximumRecordBytes: maximumRecordBytes)
        let inbound = StreamInboundLane(StreamEnd(reading, kind: .pipe), maximumRecordBytes: maximumRecordBytes)
        defer {
            outbound.close()
            inbound.close()
        }
        var again: [LaneRecord] = []
        for record in records {
            guard case .success(true) = outbound.put(record) else {
                throw Finding(description: "a record that was received cannot be sent")
            }
            if let error = drainAll(inbound, &again) {
                throw Finding(description: "what was sent is refused: \(error)")
            }
        }
        try require(again == records, "other records than were sent")
    }
}
