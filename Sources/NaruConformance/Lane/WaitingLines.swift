// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

extension Conformance {
    /// Arming, sleeping and waking.
    static let waitingLines: [ConformanceLine] = [
        .lane("lane.arm.ready", "There is something already: who arms a lane then does not sleep.") { subject in
            for style in [WaitStyle.thread, .task] {
                let bench = try LaneBench(subject)
                // Room, before and after the lane was full.
                try expect(try bench.waitToSend(8, style), "an empty lane says that it has ended")
                let records = try bench.some(1)
                for _ in 0..<3 {
                    try expect(try bench.waitToReceive(style), "a lane with a record says that it has ended")
                }
                try bench.receive(records)
                let filled = try bench.fill(min(400, bench.maximumTried))
                _ = try bench.outbound.flush()
                try bench.receive(filled)
                let byteCount = min(400, bench.maximumTried)
                try expect(try bench.waitToSend(byteCount, style), "an empty lane says that it has ended")
            }
            return .passed
        },
        .lane(
            "lane.arm.empty",
            "Prepares to wait for a record, and says what to wait for: on an empty lane nothing is ready."
        ) { subject in
            for style in [WaitStyle.thread, .task] {
                let bench = try LaneBench(subject)
                for _ in 0..<3 {
                    bench.receiverBell.silence()
                    switch try bench.inbound.arm(style).polled {
                    case .ready, .ended: throw Complaint("an empty lane with a living sender lets nobody sleep")
                    case .descriptor(let descriptor, let events):
                        let ready = try descriptor.pollOnce(events)
                        try expect(ready.isEmpty, "the descriptor of an empty lane is ready: \(ready.rawValue)")
                    case .word, .bell, .reception, .pause: break
                    }
                    bench.inbound.disarm()
                }
                try bench.exchange([Record(1, byteCount: 16)])
            }
            return .passed
        },
        .lane(
            "lane.arm.flush",
            "With 0 bytes it also waits for what flush() could not hand over: who waits for that does not spin."
        ) { subject in
            for style in [WaitStyle.thread, .task] {
                let bench = try LaneBench(subject)
                let filled = try bench.fill(min(400, bench.maximumTried))
                guard try !bench.outbound.flush() else {
                    return .inapplicable(reason: "what it accepts is handed over at once, also when it is full")
                }
                switch try bench.outbound.arm(style, byteCount: 0) {
                case .ready: throw Complaint("flush() has to wait, and arm(_:byteCount: 0) says that there is room")
                case .ended: throw Complaint("a full lane says that it has ended")
                case .word, .bell, .descriptor, .reception, .pause: break
                }
                bench.outbound.disarm()
                try bench.receive(filled)
            }
            return .passed
        },
        .lane(
            "lane.arm.word",
            "To wake the sleeper from this process: store zero, then wake. The word lives until the lane is disarmed."
        ) { subject in
            let bench = try LaneBench(subject)
            guard case .word(let word, let value) = try bench.inbound.arm(.thread) else {
                bench.inbound.disarm()
                return .inapplicable(reason: "its threads do not wait for futex words")
            }
            try expect(value != 0, "the word is armed with zero, which is what wakes its sleeper")
            // The word is the lane's until disarm(); it is mapped writable, since the lane itself armed it.
            let writable = unsafe UnsafeMutablePointer(mutating: word)
            unsafe writable.pointee.store(0, ordering: .sequentiallyConsistent)
            _ = unsafe Futex.wake(UnsafeRawPointer(word))
            let result = unsafe try Futex.wait(UnsafeRawPointer(word), while: value, deadline: bench.limit)
            try expect(result != .timedOut, "a sleeper does not see the zero")
            bench.inbound.disarm()
            try bench.exchange((0..<10).map { Record($0, byteCount: 16) })
            return .passed
        },
        .lane(
            "lane.spin.receive",
            "spin(_:) takes nothing, does not sleep, and does not say nothing where there is a record."
        ) { subject in
            let bench = try LaneBench(subject)
            for _ in 0..<100 { _ = bench.inbound.spin(16) }
            let records = try bench.some(3)
            for _ in 0..<10 {
                try expect(bench.inbound.spin(16) != .nothing, "a lane with a record says that there is nothing")
            }
            try bench.receive(records)
            bench.inbound.close()
            _ = bench.inbound.spin(16)
            return .passed
        },
        .lane(
            "lane.spin.send",
            "spin(_:byteCount:) does not sleep, and does not say nothing where room came since the last attempt."
        ) { subject in
            let bench = try LaneBench(subject)
            let byteCount = min(400, bench.maximumTried)
            for _ in 0..<5 {
                let filled = try bench.fill(byteCount)
                _ = bench.outbound.spin(16, byteCount: byteCount)
                _ = try bench.outbound.flush()
                try bench.receive(filled)
                try expect(
                    bench.outbound.spin(16, byteCount: byteCount) != .nothing,
                    "an empty lane says that there is nothing")
            }
            try bench.exchange([Record(1, byteCount: 16)])
            bench.outbound.close()
            _ = bench.outbound.spin(16, byteCount: byteCount)
            return .passed
        },
        .lane("lane.disarm", "Ends the wait, whether it came true or not.") { subject in
            for style in [WaitStyle.thread, .task] {
                let bench = try LaneBench(subject)
                for round in 0..<50 {
                    _ = try bench.inbound.arm(style)
                    bench.inbound.disarm()
                    _ = try bench.outbound.arm(style, byteCount: 8)
                    bench.outbound.disarm()
                    try bench.exchange([Record(round, byteCount: 16)])
                }
                bench.inbound.disarm()
                bench.outbound.disarm()
            }
            return .passed
        },
        .lane(
            "lane.wake.receiver.thread",
            """
            One thread or task uses a lane at a time; only arm(_:)'s target is touched by others. Wake-ups carry no \
            data and may be spurious; none is lost.
            """
        ) { subject in
            try pingPong(subject, .thread)
        },
        .lane("lane.wake.receiver.task", "Spurious rings are allowed, lost ones are not.") { subject in
            try pingPong(subject, .task)
        },
        .lane(
            "lane.wake.sender.thread",
            """
            Prepares to wait for room for a record of byteCount bytes, and says what to wait for; no wake-up is \
            lost.
            """
        ) { subject in
            try stream(subject, .thread)
        },
        .lane(
            "lane.wake.sender.task",
            "Prepares to wait for room for a record of byteCount bytes, and says what to wait for; no ring is lost."
        ) { subject in
            try stream(subject, .task)
        },
    ]

    /// How long a line of many rounds goes on on a machine that is slow.
    private static let patience = Duration.seconds(3)

    /// One record at a time, sent at every possible moment around the receiver's arming and sleeping.
    private static func pingPong(_ subject: Subject, _ style: WaitStyle) throws -> ConformanceOutcome {
        let bench = try LaneBench(subject)
        let byteCount = min(24, bench.maximumTried)
        let end = Deadline.after(patience)
        // How many records the receiver has taken; -1 when it has given up.
        let taken = Atomic(0)
        try Worker.together {
            var random = SplitMix(seed: 3)
            for round in 0..<2500 where round < 200 || !end.isPast {
                try bench.send(Record(round, byteCount: byteCount), style)
                try bench.flush(style)
                let deadline = bench.limit
                // Acquire: what the receiver did before it counted is seen.
                while taken.load(ordering: .acquiring) == round {
                    if deadline.isPast { throw Complaint("record \(round) was never taken") }
                    Processor.yield()
                }
                if taken.load(ordering: .acquiring) < 0 { return }
                // The receiver is now anywhere between its closure and its sleep.
                for _ in 0..<Int.random(in: 0...400, using: &random) { Processor.spinHint() }
            }
            try bench.endSending()
        } _: {
            do {
                var round = 0
                while true {
                    let records = try bench.receiveSome(style)
                    if records.isEmpty { return }
                    for record in records {
                        if bench.isEnd(record.header) { return }
                        try expectEqual(record, Record(round, byteCount: byteCount), "record \(round)")
                        round += 1
                        // Release: pairs with the sender's acquire.
                        taken.store(round, ordering: .releasing)
                    }
                }
            } catch {
                taken.store(-1, ordering: .releasing)
                throw error
            }
        }
        return .passed
    }

    /// A lane that is full most of the time.
    private static func stream(_ subject: Subject, _ style: WaitStyle) throws -> ConformanceOutcome {
        let bench = try LaneBench(subject)
        let byteCount = min(3000, bench.maximumTried)
        let rounds = 8000
        let end = Deadline.after(patience)
        try Worker.together {
            for round in 0..<rounds {
                try bench.send(Record(round, byteCount: byteCount), style)
                if round > 500, end.isPast { break }
            }
            try bench.flush(style)
            try bench.endSending()
        } _: {
            var random = SplitMix(seed: 9)
            var next = 0
            while true {
                var complaint: (any Error)?
                var isOver = false
                let count = try bench.inbound.drain(Int.random(in: 1...20, using: &random)) { given in
                    if bench.isEnd(given.header) {
                        isOver = true
                        return .takeAndStop
                    }
                    if !Payload.matches(given.bytes, next, byteCount) {
                        complaint = Complaint("record \(next) is not as it was sent")
                    }
                    next += 1
                    return .take
                }
                if let complaint { throw complaint }
                if isOver { break }
                if count == 0, try !bench.waitToReceive(style) { break }
            }
            try expect(next > 500, "only \(next) records arrived before the lane ended")
        }
        return .passed
    }
}
