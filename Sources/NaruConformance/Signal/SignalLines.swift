// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

extension Conformance {
    /// What a mechanism says of itself.
    static let signalRecordLines: [SignalConformanceLine] = [
        SignalConformanceLine(
            "signal.record", "The record names the mechanism, its one direction, and whether a dead holder releases."
        ) { subject in
            let record = subject.record
            try expectEqual(record.transport, subject.mechanism.name, "the record's name")
            try expectEqual(record.directions, [.signal], "the record's directions")
            try expect(record.agreements == [.attached], "a signal has no peer: its agreement is attached")
            guard let releases = record.releasesOnDeath else {
                throw Complaint("the record does not say whether a dead holder releases")
            }
            try expectEqual(
                record.properties.contains(.releasesOnDeath), releases, "the property releases-on-death")
            _ = try record.validated()
            return .passed
        }
    ]

    /// What is posted and what is taken.
    static let signalCountLines: [SignalConformanceLine] = [
        SignalConformanceLine(
            "signal.counted", "What one end posts the other takes, as often and no more."
        ) { subject in
            try await SignalBench.run(subject) { bench in
                let (one, other) = try bench.signals()
                try expect(try !other.tryWait(), "a new signal holds something")
                try one.post()
                try one.post(2)
                try expectEqual(try other.pending(), 3, "what is pending")
                for _ in 0..<3 { try expect(try other.tryWait(), "a post was lost") }
                try expect(try !other.tryWait(), "a post was taken twice")
                try other.post()
                try await one.wait(deadline: Limit.wait)
                try expectEqual(try one.pending(), 0, "what is pending")
            }
        },
        SignalConformanceLine("signal.each-once", "However many take at once, each post is taken once.") { subject in
            try await SignalBench.run(subject) { bench in
                let (one, other) = try bench.signals()
                let taken = Shared(0)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for taker in [one, other, one, other] {
                        group.addTask {
                            for _ in 0..<100 {
                                try await taker.wait(deadline: Limit.wait)
                                taken.change { $0 += 1 }
                            }
                        }
                    }
                    for round in 0..<200 { try (round.isMultiple(of: 2) ? one : other).post(2) }
                    try await group.waitForAll()
                }
                try expectEqual(taken.now, 400, "the posts taken")
                try expectEqual(try one.pending(), 0, "what is pending")
            }
        },
        SignalConformanceLine(
            "signal.bounds", "Amounts that make no sense are refused and change nothing."
        ) { subject in
            try await SignalBench.run(subject) { bench in
                let (one, _) = try bench.signals()
                for count in [0, -1, .min, .max, SemaphoreTerms.maximumCount + 1] {
                    try expectError(.invalidArgument, "posting \(count)") { try one.post(count) }
                }
                try expectEqual(try one.pending(), 0, "what is pending")
            }
        },
    ]

    /// How waits end.
    static let signalWaitLines: [SignalConformanceLine] = [
        SignalConformanceLine("signal.wakes", "A task and a thread that wait are woken by a post.") { subject in
            try await SignalBench.run(subject) { bench in
                let (one, other) = try bench.signals()
                async let task: Void = other.wait(deadline: Limit.wait)
                try one.post()
                try await task
                async let thread: Void = Worker.run { try other.blocking.wait(deadline: Limit.wait) }
                try one.post()
                try await thread
                try expectEqual(try one.pending(), 0, "what is pending")
            }
        },
        SignalConformanceLine(
            "signal.deadline", "A wait ends at its deadline and has taken nothing."
        ) { subject in
            try await SignalBench.run(subject) { bench in
                let (one, other) = try bench.signals()
                for deadline in [Deadline.now, .after(.milliseconds(5)), .after(.milliseconds(120))] {
                    try await expectError(.deadlineExceeded, "a task's wait") {
                        try await other.wait(deadline: deadline)
                    }
                    try await Worker.run {
                        try expectError(.deadlineExceeded, "a thread's wait") {
                            try other.blocking.wait(deadline: min(deadline, .after(.milliseconds(5))))
                        }
                    }
                }
                // Not what is there at this very moment: the thread may hold it for an instant, as it waits.
                try one.post()
                try await other.wait(deadline: Limit.wait)
                try expectEqual(try one.pending(), 0, "what is pending")
            }
        },
        SignalConformanceLine(
            "signal.cancel", "A wait that is cancelled ends, and has taken nothing."
        ) { subject in
            try await SignalBench.run(subject) { bench in
                let (one, other) = try bench.signals()
                for round in 0..<20 {
                    let waiter = Task { try await other.wait(deadline: Limit.wait) }
                    // Half of them once they wait.
                    if round.isMultiple(of: 2) { try await until("the task waits") { other.waiting > 0 } }
                    waiter.cancel()
                    let result = await waiter.result
                    guard case .failure(let error as NaruError) = result, error.code == .cancelled else {
                        throw Complaint("a cancelled wait ended with \(result)")
                    }
                    try expectEqual(other.waiting, 0, "who waits")
                }
                // Whatever the thread was about to take for somebody who is gone, it must leave or give back.
                try one.post()
                try await other.wait(deadline: Limit.wait)
                try expectEqual(try one.pending(), 0, "what is pending")
            }
        },
        SignalConformanceLine(
            "signal.cancel-race", "A post that meets a cancellation is either taken by the wait or still there."
        ) { subject in
            try await SignalBench.run(subject) { bench in
                let (one, other) = try bench.signals()
                for _ in 0..<200 {
                    let waiter = Task { try await other.wait(deadline: Limit.wait) }
                    async let posted: Void = Worker.run { try one.post() }
                    waiter.cancel()
                    let result = await waiter.result
                    try await posted
                    // A thread that took it for nobody gives it back in its time.
                    if case .failure = result { try await other.wait(deadline: Limit.wait) }
                    try expectEqual(try one.pending(), 0, "what is pending")
                }
            }
        },
        SignalConformanceLine(
            "signal.order", "Tasks of one process are served in the order in which they came."
        ) { subject in
            try await SignalBench.run(subject) { bench in
                let (one, other) = try bench.signals()
                let order = Shared<[Int]>([])
                var waiters: [Task<Void, any Error>] = []
                for number in 0..<5 {
                    let before = other.waiting
                    waiters.append(
                        Task {
                            try await other.wait(deadline: Limit.wait)
                            order.change { $0.append(number) }
                        })
                    try await until("the task waits") { other.waiting > before }
                }
                for number in 0..<5 {
                    try one.post()
                    try await until("the task was served") { order.now.count > number }
                }
                for waiter in waiters { try await waiter.value }
                try expectEqual(order.now, [0, 1, 2, 3, 4], "the order")
            }
        },
        SignalConformanceLine("signal.close", "Closing ends whoever waits at that end, and no other.") { subject in
            try await SignalBench.run(subject) { bench in
                let (one, other) = try bench.signals()
                let task = Task { try await other.wait(deadline: Limit.wait) }
                try await until("the task waits") { other.waiting > 0 }
                async let thread = Worker.run {
                    try thrownCode { try other.blocking.wait(deadline: Limit.wait) }
                }
                other.close()
                guard case .failure(let error as NaruError) = await task.result, error.code == .closed else {
                    throw Complaint("a task that waited at a closed end was not told")
                }
                try expectEqual(try await thread, .closed, "what a thread that waited at a closed end is told")
                try expectError(.closed, "a post at a closed end") { try other.post() }
                try one.post()
                try await one.wait(deadline: Limit.wait)
            }
        },
        SignalConformanceLine(
            "signal.shutdown", alone: true, "A shutdown ends whoever waits, and no thread outlives it."
        ) { subject in
            try await SignalBench.run(subject) { bench in
                let (_, other) = try bench.signals()
                let task = Task { try await other.wait(deadline: Limit.wait) }
                try await until("the task waits") { other.waiting > 0 }
                try await Worker.run { bench.second.shutdown() }
                guard case .failure(let error as NaruError) = await task.result, error.code == .closed else {
                    throw Complaint("a task that waited was not told of the shutdown")
                }
                let names = try FileSystem.list("/proc/self/task").compactMap {
                    try? FileSystem.readSmallFile("/proc/self/task/\($0)/comm", limit: 64)
                }
                try expect(
                    !names.contains { String(decoding: $0, as: UTF8.self).hasPrefix("naru-semaphore") },
                    "a thread outlives the shutdown")
            }
        },
    ]
}
