// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

extension Conformance {
    /// Sending through a lane.
    static let sendingLines: [ConformanceLine] = [
        .lane(
            "lane.records",
            "A lane carries records: a header and 0 to maximumRecordBytes bytes, in order, whole, once."
        ) { subject in
            let bench = try LaneBench(subject)
            let maximum = bench.maximumTried
            let sizes = [
                0, 1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 4095, 4096, 4097,
                65535, 65536, 65537, maximum / 2, maximum - 1, maximum,
            ]
            try bench.exchange(
                sizes.filter { (0...maximum).contains($0) }.enumerated().map { Record($0, byteCount: $1) })
            var random = SplitMix(seed: 1)
            try bench.exchange(
                (0..<500).map { Record($0, byteCount: .random(in: 0...min(maximum, 3000), using: &random)) })
            try bench.expectNothingMore("that nobody sent")
            return .passed
        },
        .lane("lane.headers", "What stands before the bytes of every record on every lane.") { subject in
            let bench = try LaneBench(subject)
            let kinds: [RecordHeader.Kind] = [.data, .fragment, .abort, .finish]
            var records: [Record] = []
            for kind in kinds {
                for flags in [RecordHeader.Flags(), .compressed, [.history, .reset], .extension] {
                    let header = RecordHeader(kind: kind, flags: flags, extensionByteCount: flags == .extension ? 4 : 0)
                    records.append(Record(records.count, byteCount: 24, header: header))
                }
            }
            try bench.exchange(records)
            return .passed
        },
        .lane("lane.maximum.least", "The most bytes one record may have (prefix included), at least 64.") { subject in
            let bench = try LaneBench(subject)
            try expect(
                bench.outbound.maximumRecordBytes >= 64,
                "a record has at most \(bench.outbound.maximumRecordBytes) bytes, too few for a fragment")
            try expect(
                bench.outbound.maximumRecordBytes <= RecordHeader.maximumByteCount,
                "a record has up to \(bench.outbound.maximumRecordBytes) bytes, more than its header can say")
            let fragment = bench.outbound.fragmentRecordBytes
            try expect(
                fragment >= 64 && fragment <= bench.outbound.maximumRecordBytes,
                "a fragment has \(fragment) bytes, too few or more than a record")
            return .passed
        },
        .lane(
            "lane.maximum.exceeded",
            "The most bytes one record may have (prefix included): a larger one is refused, and nothing breaks."
        ) { subject in
            let bench = try LaneBench(subject)
            let maximum = bench.outbound.maximumRecordBytes
            guard maximum <= 1 << 26 else {
                return .inapplicable(reason: "its records have up to \(maximum) bytes, too many to try one more")
            }
            let code = try thrownCode {
                if try bench.outbound.trySend(Record([UInt8](repeating: 1, count: maximum + 1))) {
                    throw Complaint("a record of \(maximum + 1) bytes is accepted, where \(maximum) is the most")
                }
            }
            try expectEqual(code, .messageTooLarge, "the error for a record that is too large")
            try bench.exchange([Record(1, byteCount: min(maximum, 100))])
            return .passed
        },
        .lane(
            "lane.maximum.huge",
            "The most bytes one record may have: a loan of more bytes than there can be is refused, and nothing breaks."
        ) { subject in
            let bench = try LaneBench(subject)
            for byteCount in LinkBench.hugeSizes where byteCount > bench.outbound.maximumRecordBytes {
                try expectError(.messageTooLarge, "a loan of \(byteCount) bytes") {
                    _ = unsafe try bench.outbound.reserve(byteCount)
                }
            }
            try bench.exchange([Record(1, byteCount: min(bench.maximumTried, 100))])
            return .passed
        },
        .lane("lane.send.copies", "trySend(_:_:_:) copies: on return the caller owns its bytes again.") { subject in
            let bench = try LaneBench(subject)
            let byteCount = min(4000, bench.maximumTried)
            var bytes = Payload.bytes(1, byteCount)
            let isSent = unsafe try bench.outbound.trySend(RecordHeader(), RawSpan(), bytes.span.bytes)
            try expect(isSent, "an empty lane has no room for \(byteCount) bytes")
            for index in bytes.indices { bytes[index] = 0xee }
            _ = try bench.outbound.flush()
            try bench.receive([Record(1, byteCount: byteCount)])
            return .passed
        },
        .lane("lane.send.prefix", "Copies a record of prefix then bytes in.") { subject in
            let bench = try LaneBench(subject)
            for split in [0, 1, 8, 16, 33] {
                let records = (0..<20).map { Record($0, byteCount: min($0 * 5, bench.maximumTried)) }
                try bench.exchange(records, split: split)
            }
            return .passed
        },
        .lane("lane.send.adopting", "Sends a record whose bytes the lane may keep.") { subject in
            let bench = try LaneBench(subject)
            let maximum = bench.maximumTried
            for byteCount in [0, 8, 63, min(5000, maximum), maximum] where byteCount <= maximum {
                let message = OwnedMessage(Payload.bytes(byteCount, byteCount))
                let header = RecordHeader(flags: .extension)
                try expect(try bench.outbound.trySend(header, adopting: message), "an empty lane has no room")
                _ = try bench.outbound.flush()
                try bench.receive([Record(byteCount, byteCount: byteCount, header: header)])
                try expect(Payload.matches(message.bytes, byteCount, byteCount), "the message's own bytes have changed")
            }
            return .passed
        },
        .lane("lane.send.full", "false means no room and no effect.") { subject in
            let bench = try LaneBench(subject)
            let byteCount = min(1000, bench.maximumTried)
            let records = try bench.fill(byteCount)
            try expect(!records.isEmpty, "an empty lane has no room")
            for _ in 0..<10 {
                try expect(try !bench.outbound.trySend(Record(999_999, byteCount: byteCount)), "room came from nowhere")
            }
            try bench.receive(records)
            try bench.expectNothingMore("of a send that answered false")
            try bench.exchange([Record(7, byteCount: byteCount)])
            return .passed
        },
        .lane(
            "lane.send.full.edge",
            """
            A lane with room for one record, for two, for many is filled and emptied again and again, and one that is \
            full goes on record by record: each comes once, in order.
            """
        ) { subject in
            for part in [1, 2, 3, 8] {
                let bench = try LaneBench(subject)
                let byteCount = bench.maximumTried / part
                var (sent, taken) = (0, 0)
                for _ in 0..<3 {
                    try bench.fill(from: &sent, byteCount)
                    try expect(sent > taken, "an empty lane has no room for \(byteCount) bytes")
                    try bench.take(from: &taken, to: sent, byteCount)
                    try bench.expectNothingMore("of a lane that was read empty")
                }
                for _ in 0..<100 {
                    try bench.fill(from: &sent, byteCount)
                    try bench.take(from: &taken, to: taken + 1, byteCount)
                }
                try bench.take(from: &taken, to: sent, byteCount)
                try bench.expectNothingMore("that nobody sent")
            }
            return .passed
        },
        .lane("lane.send.writers", "One sender at a time; many senders to one listener have a lane each.") { _ in
            .inapplicable(
                reason: "a lane has one writer: up to 64 senders to one listener, a lane each, are link.many.senders")
        },
        .lane("lane.send.no-block", "No operation blocks and none calls back into user code.") { subject in
            let bench = try LaneBench(subject)
            let byteCount = min(512, bench.maximumTried)
            // Nobody receives on another thread, so whatever blocked would stay.
            let records = try bench.fill(byteCount)
            _ = try bench.outbound.flush()
            bench.outbound.hold()
            _ = try bench.outbound.trySend(Record(0, byteCount: byteCount, header: RecordHeader(kind: .abort)))
            try bench.outbound.publish()
            _ = try bench.outbound.arm(.thread, byteCount: byteCount)
            bench.outbound.disarm()
            bench.outbound.close()
            try expect(!records.isEmpty, "an empty lane has no room")
            return .passed
        },
        .lane(
            "lane.batch",
            "Between hold() and publish() records may stay invisible to the peer; publish() shows all of them."
        ) { subject in
            let bench = try LaneBench(subject)
            for round in 0..<10 {
                bench.outbound.hold()
                var sent: [Record] = []
                for index in 0..<5 {
                    let record = Record(round * 10 + index, byteCount: min(32, bench.maximumTried))
                    guard try bench.outbound.trySend(record) else { break }
                    sent.append(record)
                }
                try expect(!sent.isEmpty, "an empty lane has no room in a batch")
                try bench.outbound.publish()
                _ = try bench.outbound.flush()
                try bench.receive(sent)
            }
            bench.outbound.hold()
            try bench.outbound.publish()
            try bench.expectNothingMore("of an empty batch")
            return .passed
        },
        .lane(
            "lane.batch.full",
            "Prepares to wait for room: what a batch holds back is shown, or there would never be any."
        ) { subject in
            let bench = try LaneBench(subject)
            let byteCount = min(100, bench.maximumTried)
            bench.outbound.hold()
            let records = try bench.fill(byteCount)
            // Who waits for room shows what is held, or it would wait for ever.
            try Worker.together {
                try bench.send(Record(records.count, byteCount: byteCount))
                try bench.outbound.publish()
                try bench.flush()
            } _: {
                try bench.receive(records + [Record(records.count, byteCount: byteCount)])
            }
            return .passed
        },
        .lane(
            "lane.flush",
            """
            flush() returns true when everything accepted is handed over: it survives this process, as far as the \
            transport's record claims. false means: wait until writable, then call again.
            """
        ) { subject in
            let bench = try LaneBench(subject)
            let byteCount = min(700, bench.maximumTried)
            let records = (0..<200).map { Record($0, byteCount: byteCount) }
            try Worker.together {
                for (index, record) in records.enumerated() {
                    try bench.send(record)
                    if index % 16 == 0 { try bench.flush() }
                }
                try bench.flush()
            } _: {
                try bench.receive(records)
            }
            try expect(try bench.outbound.flush(), "flush() of a lane with nothing in it answers false")
            return .passed
        },
    ]
}

extension LaneBench {
    /// Sends records of one size, numbered from `sent` on, until there is no room.
    fileprivate func fill(from sent: inout Int, _ byteCount: Int) throws {
        let first = sent
        while try outbound.trySend(Record(sent, byteCount: byteCount)) {
            sent += 1
            if sent - first == 1 << 20 { throw Complaint("the lane accepts without bound, and nobody receives") }
        }
    }

    /// Takes records one by one, those from `taken` to `end`, and complains when they are others.
    fileprivate func take(from taken: inout Int, to end: Int, _ byteCount: Int) throws {
        let deadline = limit
        while taken < end {
            var isRight = true
            let count = try inbound.drain(1) { record in
                isRight = Payload.matches(record.bytes, taken, byteCount)
                return .take
            }
            try expect(isRight, "record \(taken) of \(byteCount) bytes is not as it was sent")
            taken += count
            if count > 0 { continue }
            try expect(!deadline.isPast, "record \(taken) of \(byteCount) bytes does not come")
            // What the sender keeps back comes when it is handed over.
            _ = try outbound.flush()
            Processor.yield()
        }
    }
}
