// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

extension Conformance {
    /// Ends of lanes.
    static let closingLines: [ConformanceLine] = [
        .lane(
            "lane.close.outbound",
            """
            close() is idempotent, releases what the lane holds and leaves to the peer what was handed over. Every \
            operation after close() throws closed.
            """
        ) { subject in
            let bench = try LaneBench(subject)
            let lane = bench.outbound
            try bench.exchange([Record(1, byteCount: 8)])
            for _ in 0..<3 { lane.close() }
            try expectError(.closed, "reserve after close") { _ = unsafe try lane.reserve(8) }
            try expectError(.closed, "commit after close") { try lane.commit(RecordHeader(), byteCount: 0) }
            try expectError(.closed, "trySend after close") { _ = try lane.trySend(Record(1, byteCount: 8)) }
            try expectError(.closed, "trySend of an adopted message after close") {
                _ = try lane.trySend(RecordHeader(), adopting: OwnedMessage([1, 2, 3]))
            }
            try expectError(.closed, "publish after close") { try lane.publish() }
            try expectError(.closed, "flush after close") { _ = try lane.flush() }
            try expectError(.closed, "arm after close") { _ = try lane.arm(.thread, byteCount: 8) }
            lane.hold()
            lane.abort()
            lane.disarm()
            lane.close()
            return .passed
        },
        .lane("lane.close.inbound", "close() is idempotent. Every drain after it throws closed.") { subject in
            let bench = try LaneBench(subject)
            _ = try bench.some(2)
            for _ in 0..<3 { bench.inbound.close() }
            for _ in 0..<2 {
                try expectError(.closed, "drain after close") { _ = try bench.inbound.drain(1) { _ in .take } }
                try expectError(.closed, "arm after close") { _ = try bench.inbound.arm(.thread) }
            }
            bench.inbound.disarm()
            return .passed
        },
        .lane(
            "lane.close.loan", alone: true,
            """
            close() is idempotent, releases what the lane holds and leaves to the peer what was handed over: a loan \
            that is out was not.
            """
        ) { subject in
            try ProcessResources.expectNoGrowth(rounds: 64) { _ in
                let bench = try LaneBench(subject)
                try bench.exchange([Record(1, byteCount: 8)])
                // Not written: the borrower has gone.
                guard unsafe try bench.outbound.reserve(min(100, bench.maximumTried)) != nil else {
                    throw Complaint("an empty lane has no room")
                }
                bench.outbound.close()
                try expect(try bench.receiveSome().isEmpty, "a loan that was never committed arrived")
            }
            return .passed
        },
        .lane(
            "lane.close.handed-over",
            """
            close() is idempotent, releases what the lane holds and leaves to the peer what was handed over. \
            A hang-up never overtakes data: everything committed is given before ended.
            """
        ) { subject in
            for style in [WaitStyle.thread, .task] {
                for count in [0, 1, 2, 50, 1000] {
                    let bench = try LaneBench(subject)
                    let byteCount = min(900, bench.maximumTried)
                    var records: [Record] = []
                    while records.count < count {
                        let record = Record(records.count, byteCount: byteCount)
                        guard try bench.outbound.trySend(record) else { break }
                        records.append(record)
                    }
                    let isHandedOver = try bench.outbound.flush()
                    bench.outbound.close()
                    var found: [Record] = []
                    while true {
                        let some = try bench.receiveSome(style)
                        if some.isEmpty { break }
                        found += some
                    }
                    // What was not handed over may be lost, but only from the end.
                    try expect(
                        isHandedOver || found.count <= records.count,
                        "\(records.count) records were sent, \(found.count) arrived")
                    let expected = isHandedOver ? records : Array(records.prefix(found.count))
                    try expectEqual(found.count, expected.count, "the records that arrive after the sender's close")
                    try expect(found == expected, "the records that arrive after the sender's close are not those sent")
                }
            }
            return .passed
        },
        .lane(
            "lane.ended.receiver",
            """
            There will never be anything again: the other end's lane is gone and everything it handed over was \
            given.
            """
        ) { subject in
            for style in [WaitStyle.thread, .task] {
                let bench = try LaneBench(subject)
                try bench.exchange([Record(1, byteCount: 8)])
                // The receiver sleeps, or is about to, when the sender goes.
                try Worker.together {
                    while try bench.waitToReceive(style) {
                        _ = try bench.inbound.drain(8) { _ in .take }
                    }
                } _: {
                    bench.outbound.close()
                }
                for _ in 0..<3 { try expect(try !bench.waitToReceive(style), "a lane that has ended goes on") }
            }
            return .passed
        },
        .lane(
            "lane.ended.sender",
            "There will never be anything again: a sender whose receiver is gone is not left waiting for room."
        ) { subject in
            for style in [WaitStyle.thread, .task] {
                let bench = try LaneBench(subject)
                _ = try bench.fill(min(1000, bench.maximumTried))
                try Worker.together {
                    let deadline = bench.limit
                    let code = try thrownCode {
                        while try bench.waitToSend(8, style) {
                            _ = try bench.outbound.trySend(Record(1, byteCount: 8))
                            if deadline.isPast { throw Complaint("a sender without a receiver goes on for ever") }
                        }
                    }
                    if let code { try expectEqual(code, .peerVanished, "the error of a send to nobody") }
                } _: {
                    bench.inbound.close()
                }
                // It either says so at once, or when there is no room left.
                let code = try thrownCode {
                    _ = try bench.fill(min(1000, bench.maximumTried))
                    try expect(try !bench.waitToSend(8, style), "a full lane without a receiver does not end")
                }
                if let code { try expectEqual(code, .peerVanished, "the error of a send to nobody") }
                bench.outbound.close()
            }
            return .passed
        },
        .lane("lane.close.order", alone: true, "close() releases everything, whichever end goes first.") { subject in
            try ProcessResources.expectNoGrowth(rounds: 64) { round in
                let bench = try LaneBench(subject, .duplexWhereThereIs(subject))
                _ = try bench.fill(min(500, bench.maximumTried))
                if round % 2 == 0 { bench.outbound.close() }
                bench.inbound.close()
                bench.close()
            }
            return .passed
        },
    ]
}
