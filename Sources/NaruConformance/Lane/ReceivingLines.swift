// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore

extension Conformance {
    /// Receiving from a lane.
    static let receivingLines: [ConformanceLine] = [
        .lane(
            "lane.drain.count",
            """
            drain(_:_:) gives the committed records in order, each borrowed in place and valid only inside the \
            closure, and returns how many were taken. It returns 0 when there is none now.
            """
        ) { subject in
            let bench = try LaneBench(subject)
            try bench.expectNothingMore("on a new lane")
            let records = try bench.some(3)
            var found: [Record] = []
            for maximum in [0, 1, 1, 64] {
                var given = 0
                let count = try bench.inbound.drain(maximum) { record in
                    given += 1
                    found.append(Record([UInt8](copying: record.bytes), header: record.header))
                    return .take
                }
                try expectEqual(count, given, "the count that a drain of at most \(maximum) returns")
                try expect(given <= maximum, "a drain of at most \(maximum) gives \(given)")
            }
            try expectEqual(found, records, "what drains of 0, 1, 1 and 64 gave")
            try bench.expectNothingMore("after everything was taken")
            return .passed
        },
        .lane("lane.drain.stop", "It is taken; give no more.") { subject in
            let bench = try LaneBench(subject)
            let records = try bench.some(3)
            for record in records {
                var found: [Record] = []
                let count = try bench.inbound.drain(64) { given in
                    found.append(Record([UInt8](copying: given.bytes), header: given.header))
                    return .takeAndStop
                }
                try expectEqual(found, [record], "what a drain that stops gave")
                try expectEqual(count, 1, "the count of a drain that stops")
            }
            return .passed
        },
        .lane(
            "lane.drain.leave",
            "A record for which the closure answers leaveAndStop is given again by the next drain."
        ) { subject in
            let bench = try LaneBench(subject)
            let records = try bench.some(3)
            for (index, record) in records.enumerated() {
                for _ in 0..<3 {
                    var found: [Record] = []
                    let count = try bench.inbound.drain(64) { given in
                        found.append(Record([UInt8](copying: given.bytes), header: given.header))
                        return .leaveAndStop
                    }
                    try expectEqual(found, [record], "what a drain that leaves record \(index) gave")
                    try expectEqual(count, 0, "the count of a drain that takes nothing")
                }
                var given = 0
                _ = try bench.inbound.drain(1) { _ in
                    given += 1
                    return .take
                }
                try expectEqual(given, 1, "how often a drain of one ran its closure")
            }
            try bench.expectNothingMore("after all were taken")
            return .passed
        },
        .lane(
            "lane.drain.lent",
            "A record is given back to the lane, and its room to the sender, only after the closure returned."
        ) { subject in
            let bench = try LaneBench(subject)
            let byteCount = min(600, bench.maximumTried)
            var expected = try bench.fill(byteCount)
            _ = try bench.outbound.flush()
            var next = 0
            // As many rounds as show it, on a lane that is full all the time.
            while next < min(expected.count, 2000) {
                var complaint: (any Error)?
                var more: [Record] = []
                let count = try bench.inbound.drain(1) { given in
                    do {
                        // The sender takes all the room there is, while the record is lent.
                        more = try bench.refill(from: expected.count, byteCount)
                        let isSame = Payload.equal(given.bytes, expected[next].bytes)
                        try expect(isSame, "record \(next) changed while it was lent")
                    } catch {
                        complaint = error
                    }
                    return .take
                }
                if let complaint { throw complaint }
                expected += more
                next += count
                if count == 0, try !bench.waitToReceive() { throw Complaint("the lane ended under its receiver") }
            }
            return .passed
        },
        .lane(
            "lane.drain.reentrant",
            "User code never runs under exclusive access: a re-entrant receive throws reentrant."
        ) { subject in
            let bench = try LaneBench(subject)
            _ = try bench.some(1)
            var code: NaruError.Code?
            var complaint: (any Error)?
            _ = try bench.inbound.drain(1) { _ in
                do {
                    code = try thrownCode { _ = try bench.inbound.drain(1) { _ in .take } }
                } catch {
                    complaint = error
                }
                return .take
            }
            if let complaint { throw complaint }
            try expectEqual(code, .reentrant, "the error of a drain inside a drain")
            try bench.exchange((0..<5).map { Record($0, byteCount: 16) })
            return .passed
        },
        .lane(
            "lane.drain.close",
            "User code never runs under exclusive access: a close inside a view is deferred."
        ) { subject in
            let bench = try LaneBench(subject)
            let byteCount = min(300, bench.maximumTried)
            try expect(try bench.outbound.trySend(Record(5, byteCount: byteCount)), "an empty lane has no room")
            _ = try bench.outbound.flush()
            var matches = false
            var count = 0
            while count == 0 {
                guard try bench.waitToReceive() else { throw Complaint("the lane ended before its record was given") }
                count = try bench.inbound.drain(64) { given in
                    bench.inbound.close()
                    matches = Payload.matches(given.bytes, 5, byteCount)
                    return .take
                }
            }
            try expect(matches, "the record is no longer readable after close() in its own closure")
            try expectError(.closed, "a drain after a close inside a drain") {
                _ = try bench.inbound.drain(1) { _ in .take }
            }
            return .passed
        },
        .lane(
            "lane.violation",
            """
            The lane reads each length and offset that a peer can write once, checks it, then uses it; a violation \
            throws protocolViolation now and at every later call.
            """
        ) { subject in
            try HostileMedium.run(subject)
        },
    ]
}

extension LaneBench {
    /// Sends records from `first` on, as many as there is room for, and returns them.
    func refill(from first: Int, _ byteCount: Int) throws -> [Record] {
        var records: [Record] = []
        while records.count < 4096 {
            let record = Record(first + records.count, byteCount: byteCount)
            guard try outbound.trySend(record) else { break }
            records.append(record)
        }
        return records
    }

    /// Sends at least one and at most `count` records, as many as the lane has room for, and waits until they are
    /// there.
    func some(_ count: Int) throws -> [Record] {
        outbound.hold()
        var records: [Record] = []
        while records.count < count {
            let record = Record(records.count, byteCount: min(24, maximumTried))
            guard try outbound.trySend(record) else { break }
            records.append(record)
        }
        try expect(!records.isEmpty, "an empty lane has no room")
        try outbound.publish()
        _ = try outbound.flush()
        guard try waitToReceive() else { throw Complaint("the lane ended before its records were given") }
        return records
    }
}
