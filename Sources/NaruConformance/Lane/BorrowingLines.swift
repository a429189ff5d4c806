// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

extension Conformance {
    /// Runs of records that a lane lends together, room that it lends for them, and sleeping in its socket.
    static let borrowingLines: [ConformanceLine] = [
        .lane(
            "lane.borrow",
            """
            borrow(_:) lends the next plain records that lie in place one behind the other, as many as the caller has \
            room for, and returns how many; 0 where the next record is another, or none, or the lane lends none this way.
            """
        ) { subject in
            let bench = try LaneBench(subject)
            try expectEqual(try bench.borrow(64) { _ in 0 }, 0, "records that an empty lane lends")
            var records = [0, 1, 8, 24, 63, 64, 65, 1023, 1024, 3000].filter { $0 <= bench.maximumTried }.enumerated()
                .map { Record($0, byteCount: $1) }
            records.insert(Record(100, byteCount: 16, header: RecordHeader(flags: .history)), at: records.count / 2)
            var lent = 0
            for maximum in [1, 3, 64] {
                try bench.cross(records, maximum, lent: &lent)
            }
            return lent > 0 ? .passed : lendsNothing
        },
        .lane(
            "lane.borrow.rest",
            """
            They stay as they are until giveBack(_:taken:), which takes the first of them and leaves the rest to be given \
            again.
            """
        ) { subject in
            let bench = try LaneBench(subject)
            var sent = try bench.fill(min(40, bench.maximumTried))
            _ = try bench.outbound.flush()
            var next = 0
            var lent = 0
            while next < min(sent.count, 500) {
                guard try bench.waitToReceive() else { throw Complaint("the lane ended under its receiver") }
                var found: [Record] = []
                var more: [Record] = []
                let taken = try bench.borrow(4) { read in
                    // The sender takes all the room there is, while the records are lent.
                    more = try bench.refill(from: sent.count, min(40, bench.maximumTried))
                    found = read()
                    return (next + found.count) % (found.count + 1)
                }
                if found.isEmpty { return lendsNothing }
                lent += found.count
                try expectEqual(
                    found, Array(sent[next..<next + found.count]), "records \(next)... while they were lent")
                sent += more
                next += taken
                if taken == 0 {
                    try expectEqual(try bench.inbound.drain(1) { _ in .take }, 1, "records that were given back")
                    next += 1
                }
            }
            return .passed
        },
        .lane(
            "lane.borrow.alone",
            """
            Nothing else is done with the lane in between, except close(), which then takes effect when they are given \
            back.
            """
        ) { subject in
            let bench = try LaneBench(subject)
            let records = try bench.some(3)
            var codes: [NaruError.Code?] = []
            var found: [Record] = []
            let taken = try bench.borrow(1) { read in
                codes.append(try thrownCode { _ = try bench.inbound.drain(1) { _ in .take } })
                codes.append(try thrownCode { _ = try bench.inbound.arm(.thread) })
                codes.append(try thrownCode { _ = try bench.borrow(1) { _ in 0 } })
                bench.inbound.close()
                found = read()
                return 1
            }
            guard taken == 1 else { return lendsNothing }
            try expectEqual(
                codes, [.reentrant, .reentrant, .reentrant], "drain, arm and borrow while records are lent")
            try expectEqual(found, [records[0]], "what is lent by a lane that was closed meanwhile")
            try expectError(.closed, "a drain after a close while records were lent") {
                _ = try bench.inbound.drain(1) { _ in .take }
            }
            return .passed
        },
        .lane(
            "lane.room",
            """
            borrowRoom() lends memory for more records of a batch that has one already, or none. Nothing else is done with \
            the lane until useRoom(_:) says how much of it holds whole records, each 8-byte aligned behind the other; they \
            are then part of the batch.
            """
        ) { subject in
            let bench = try LaneBench(subject)
            var number = 0
            var written = 0
            let batches = [
                [16], [16, 0], [16, 1, 7, 8, 9], [16, 64, 63, 65, 0, 200], [16, 1023, 200, 9],
                [1024, 1024, 1031, 1032, 1033, 2000, 8, 1024], [16] + Array(repeating: 24, count: 300),
            ]
            for sizes in batches {
                // A batch of a record that is sent, records that are written into the room, and one that is sent again.
                bench.outbound.hold()
                var records = [Record(number, byteCount: min(sizes[0], bench.outbound.maximumRecordBytes))]
                guard try bench.outbound.trySend(records[0]) else { throw Complaint("an empty lane has no room") }
                var room = bench.outbound.borrowRoom()
                if room.byteCount > 0 {
                    for size in sizes.dropFirst() {
                        let record = Record(number + records.count, byteCount: size)
                        let message = OwnedMessage(record.bytes)
                        guard room.append(message.bytes) else { break }
                        records.append(record)
                        written += 1
                    }
                    bench.outbound.useRoom(room.usedByteCount)
                }
                let last = Record(number + records.count, byteCount: 16)
                if try bench.outbound.trySend(last) { records.append(last) }
                try bench.outbound.publish()
                _ = try bench.outbound.flush()
                try bench.receive(records)
                number += records.count
            }
            try bench.expectNothingMore("that nobody sent")
            return written > 0 ? .passed : .inapplicable(reason: "it lends no room for the records of a batch")
        },
        .lane(
            "lane.sleep",
            """
            sleep() returns when something came, the stream ended, or its receiving side was shut down, and may return \
            early.
            """
        ) { subject in
            let bench = try LaneBench(subject)
            guard case .reception(let descriptor) = try bench.inbound.arm(.thread) else {
                bench.inbound.disarm()
                return .inapplicable(reason: "a thread waits for it in another way")
            }
            bench.inbound.disarm()
            // Early or late, the loop ends only when a record is there.
            try Worker.together {
                try bench.send(Record(1, byteCount: 16))
                try bench.flush()
            } _: {
                var count = 0
                while count == 0 {
                    guard bench.inbound.sleep() else { throw Complaint("the socket does not block") }
                    count = try bench.inbound.drain(1) { _ in .take }
                }
            }
            try Worker.together {
                descriptor.shutdownRead()
            } _: {
                while case .reception = try bench.inbound.arm(.thread) { _ = bench.inbound.sleep() }
            }
            let other = try LaneBench(subject)
            try Worker.together {
                other.outbound.close()
            } _: {
                while case .reception = try other.inbound.arm(.thread) { _ = other.inbound.sleep() }
            }
            return .passed
        },
    ]

    private static var lendsNothing: ConformanceOutcome { .inapplicable(reason: "it lends no records together") }
}

extension LaneBench {
    /// Borrows up to `maximum` records, lets `body` copy them, gives them back and returns how many `body` took.
    func borrow(_ maximum: Int, _ body: (_ read: () -> [Record]) throws -> Int) throws -> Int {
        // The lane writes no more of the buffer than it returns, and the bytes are looked at only while they are lent.
        let buffer = UnsafeMutableBufferPointer<LentRecord>.allocate(capacity: maximum)
        defer { unsafe buffer.deallocate() }
        let count = unsafe try inbound.borrow(buffer)
        try expect((0...maximum).contains(count), "a borrow of at most \(maximum) gives \(count)")
        guard count > 0 else { return 0 }
        var taken = 0
        defer { unsafe inbound.giveBack(UnsafeMutableBufferPointer(rebasing: buffer[..<count]), taken: taken) }
        taken = try body {
            unsafe buffer[..<count].map { record in
                unsafe Record([UInt8](UnsafeRawBufferPointer(start: record.start, count: record.byteCount)))
            }
        }
        return taken
    }

    /// Sends records and receives them, borrowed where they are lent, drained where not.
    func cross(_ records: [Record], _ maximum: Int, lent: inout Int) throws {
        var sent = 0
        var found: [Record] = []
        while found.count < records.count {
            while sent < records.count, try outbound.trySend(records[sent]) { sent += 1 }
            _ = try outbound.flush()
            guard try waitToReceive() else { throw Complaint("the lane ended under its receiver") }
            let count = try borrow(maximum) { read in
                let records = read()
                found += records
                return records.count
            }
            lent += count
            if count == 0 { found += try receiveOne() }
        }
        try expectEqual(found, records, "what borrows of \(maximum) and drains gave")
    }

    private func receiveOne() throws -> [Record] {
        var found: [Record] = []
        _ = try inbound.drain(1) { record in
            found.append(Record([UInt8](copying: record.bytes), header: record.header))
            return .take
        }
        return found
    }
}
