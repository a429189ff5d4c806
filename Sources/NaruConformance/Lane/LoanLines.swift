// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore

extension Conformance {
    /// Loans of a lane's memory.
    static let loanLines: [ConformanceLine] = [
        .lane(
            "lane.reserve",
            """
            reserve(_:) lends exactly the bytes asked for, or returns nil when there is no room now. Lends memory, \
            8-byte aligned.
            """
        ) { subject in
            let bench = try LaneBench(subject)
            for byteCount in [0, 1, 8, 9, 63, 64, 65, 1000, bench.maximumTried] where byteCount <= bench.maximumTried {
                // The memory is the lane's until the abort below.
                guard let memory = unsafe try bench.outbound.reserve(byteCount) else {
                    throw Complaint("an empty lane has no room for a loan of \(byteCount) bytes")
                }
                try expectEqual(memory.count, byteCount, "the bytes lent")
                let address = unsafe memory.baseAddress.map { UInt(bitPattern: $0) } ?? 0
                try expectEqual(address % 8, 0, "the loan's address modulo 8")
                bench.outbound.abort()
            }
            return .passed
        },
        .lane(
            "lane.commit.visible",
            """
            The memory belongs to the lane; the borrower writes it until commit(_:byteCount:) or abort(). \
            commit(_:byteCount:) makes the first byteCount bytes of the loan a record; it never fails for lack of \
            room.
            """
        ) { subject in
            let bench = try LaneBench(subject)
            var number = 0
            for lent in [0, 1, 8, 63, 64, 1000, bench.maximumTried] where lent <= bench.maximumTried {
                for committed in Set([0, lent / 2, lent]).sorted() {
                    let record = Record(number, byteCount: committed, header: RecordHeader(flags: .history))
                    try bench.lend(lent, record)
                    _ = try bench.outbound.flush()
                    try bench.receive([record])
                    number += 1
                }
            }
            return .passed
        },
        .lane(
            "lane.commit.full",
            """
            commit(_:byteCount:) makes the first byteCount bytes of the loan a record; it never fails for lack of \
            room.
            """
        ) { subject in
            let bench = try LaneBench(subject)
            let byteCount = min(900, bench.maximumTried)
            var records: [Record] = []
            while records.count < 1 << 20 {
                let record = Record(records.count, byteCount: byteCount)
                guard try bench.tryLend(byteCount, record) else { break }
                records.append(record)
            }
            try expect(!records.isEmpty, "an empty lane has no room for a loan")
            try bench.receive(records)
            try bench.exchange([Record(5, byteCount: byteCount)])
            return .passed
        },
        .lane("lane.abort", "abort() leaves no trace of the loan; without a loan it does nothing.") { subject in
            let bench = try LaneBench(subject)
            let byteCount = min(200, bench.maximumTried)
            bench.outbound.abort()
            for round in 0..<300 {
                // Written only between reserve and abort.
                guard let memory = unsafe try bench.outbound.reserve(byteCount) else {
                    throw Complaint("no room for loan \(round) after as many were given back")
                }
                for index in 0..<memory.count { unsafe memory[index] = 0xab }
                bench.outbound.abort()
                if round % 50 == 0 { try bench.exchange([Record(round, byteCount: byteCount)]) }
            }
            bench.outbound.abort()
            try bench.expectNothingMore("of loans that were given back")
            try bench.exchange((0..<20).map { Record($0, byteCount: byteCount) })
            return .passed
        },
        .lane("lane.loan.one", "At most one loan is out.") { subject in
            let bench = try LaneBench(subject)
            let byteCount = min(100, bench.maximumTried)
            let record = Record(3, byteCount: byteCount)
            // Both pointers are used only while their loan is out.
            guard let first = unsafe try bench.outbound.reserve(byteCount) else {
                throw Complaint("an empty lane has no room")
            }
            var second = false
            // Refused with a typed error, or as if there were no room.
            _ = try thrownCode { second = unsafe try bench.outbound.reserve(byteCount) != nil }
            try expect(!second, "a second loan is given while one is out")
            for (index, byte) in record.bytes.enumerated() { unsafe first[index] = byte }
            try bench.outbound.commit(record.header, byteCount: byteCount)
            _ = try bench.outbound.flush()
            try bench.receive([record])
            return .passed
        },
        .lane(
            "lane.loan.mixed",
            "Loans, copies and adopted messages arrive in the order in which they were accepted."
        ) { subject in
            let bench = try LaneBench(subject)
            var random = SplitMix(seed: 4)
            for round in 0..<200 {
                let byteCount = Int.random(in: 0...min(500, bench.maximumTried), using: &random)
                let record = Record(round, byteCount: byteCount)
                switch round % 3 {
                case 0: try bench.lend(byteCount, record)
                case 1: try expect(try bench.outbound.trySend(record), "an empty lane has no room")
                default:
                    let isSent = try bench.outbound.trySend(record.header, adopting: OwnedMessage(record.bytes))
                    try expect(isSent, "an empty lane has no room")
                }
                _ = try bench.outbound.flush()
                try bench.receive([record])
            }
            return .passed
        },
    ]
}

extension LaneBench {
    /// Borrows `byteCount` bytes, writes a record into them and commits it; `false` when there is no room.
    func tryLend(_ byteCount: Int, _ record: Record) throws -> Bool {
        // Written before the commit, which ends the loan.
        guard let memory = unsafe try outbound.reserve(byteCount) else { return false }
        try expectEqual(memory.count, byteCount, "the bytes lent")
        for (index, byte) in record.bytes.enumerated() { unsafe memory[index] = byte }
        try outbound.commit(record.header, byteCount: record.bytes.count)
        return true
    }

    /// As ``tryLend(_:_:)``, into a lane that has room.
    func lend(_ byteCount: Int, _ record: Record) throws {
        guard try tryLend(byteCount, record) else {
            throw Complaint("an empty lane has no room for a loan of \(byteCount) bytes")
        }
    }
}
