// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

extension Conformance {
    /// What permits promise.
    static let permitLines: [SignalConformanceLine] = [
        SignalConformanceLine("permits.exclusive", "With one permit, one has it at a time.") { subject in
            try await SignalBench.run(subject) { bench in
                let (one, other) = try bench.permits(1)
                let inside = Shared((now: 0, most: 0, times: 0))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for end in [one, other, one, other] {
                        group.addTask {
                            for _ in 0..<25 {
                                try await end.withPermit(deadline: Limit.wait) {
                                    inside.change {
                                        $0.now += 1
                                        $0.most = max($0.most, $0.now)
                                        $0.times += 1
                                    }
                                    await Task.yield()
                                    inside.change { $0.now -= 1 }
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                try expectEqual(inside.now.most, 1, "how many were inside at once")
                try expectEqual(inside.now.times, 100, "how often somebody was inside")
                try expectEqual(try one.available(), 1, "the permits nobody holds")
            }
        },
        SignalConformanceLine("permits.own", "Nobody releases what it has not acquired.") { subject in
            try await SignalBench.run(subject) { bench in
                let (one, other) = try bench.permits(2)
                try expectError(.invalidArgument, "a release of nothing") { try one.release() }
                try await one.acquire(deadline: Limit.wait)
                try expectError(.invalidArgument, "a release at the other end") { try other.release() }
                try expectError(.invalidArgument, "a second release") {
                    try one.release()
                    try one.release()
                }
                try expectEqual(try other.available(), 2, "the permits nobody holds")
            }
        },
        SignalConformanceLine("permits.several", "Several are acquired at once or not at all.") { subject in
            try await SignalBench.run(subject) { bench in
                let (one, other) = try bench.permits(3)
                do {
                    try await one.acquire(2, deadline: Limit.wait)
                } catch let error as NaruError where error.code == .unsupported {
                    throw NotApplicable("it gives one at a time, and says so")
                }
                try expect(try !other.tryAcquire(2), "three permits were acquired four times")
                try expectEqual(try other.available(), 1, "what a failed attempt left")
                let waiter = Task { try await other.acquire(2, deadline: Limit.wait) }
                try await until("the task waits") { other.waiting > 0 }
                try one.release()
                try await waiter.value
                try expectEqual(try one.available(), 0, "the permits nobody holds")
                try expectError(.invalidArgument, "more than there are") { _ = try one.tryAcquire(4) }
            }
        },
        SignalConformanceLine("permits.close", "Closing releases what the end holds.") { subject in
            try await SignalBench.run(subject) { bench in
                let (one, other) = try bench.permits(1)
                try await one.acquire(deadline: Limit.wait)
                let waiter = Task { try await other.acquire(deadline: Limit.wait) }
                try await until("the task waits") { other.waiting > 0 }
                one.close()
                try await waiter.value
                try expectEqual(other.held, 1, "what the waiter holds")
            }
        },
        SignalConformanceLine("permits.error", "A permit is released when its holder throws.") { subject in
            try await SignalBench.run(subject) { bench in
                let (one, other) = try bench.permits(1)
                struct Oops: Error {}
                do {
                    try await one.withPermit { throw Oops() }
                    throw Complaint("the error was lost")
                } catch is Oops {}
                try expect(try other.tryAcquire(), "the permit was not released")
            }
        },
    ]

    /// What is made, found and left.
    static let signalPlaceLines: [SignalConformanceLine] = [
        SignalConformanceLine("place.kept", "What was posted is kept while nobody uses the signal.") { subject in
            try subject.requireNames()
            return try await SignalBench.run(subject) { bench in
                let (one, other) = try bench.signals()
                try one.post(2)
                one.close()
                other.close()
                let later = try bench.second.signal(bench.name, bench.request)
                try expectEqual(try later.pending(), 2, "what is pending")
            }
        },
        SignalConformanceLine(
            "place.gone", "What nobody uses and nothing is kept in goes with its last user."
        ) { subject in
            try subject.requireNames()
            return try await SignalBench.run(subject) { bench in
                let (one, other) = try bench.permits(2)
                try await one.acquire(deadline: Limit.wait)
                let records = bench.entries.compactMap(\.record)
                try expectEqual(records.count, 1, "the sidecars while it is used")
                one.close()
                try expectEqual(bench.entries.count, 1, "the sidecars while one end uses it")
                other.close()
                try expectEqual(bench.entries.count, 0, "the sidecars that are left")
                if let medium = subject.mechanism as? any DurableMedium {
                    for record in records {
                        try expect(try !medium.exists(record), "the semaphore \(record.object) is left")
                    }
                }
                let (poster, taker) = try bench.signals()
                try poster.post()
                poster.close()
                try await taker.wait(deadline: Limit.wait)
                taker.close()
                try expectEqual(bench.entries.count, 0, "the sidecars that are left of a signal")
            }
        },
        SignalConformanceLine(
            "place.terms", "Whoever expects something else under a name is told what is there."
        ) { subject in
            try subject.requireNames()
            return try await SignalBench.run(subject) { bench in
                let (one, _) = try bench.permits(2)
                try expectError(.refused, "another number of permits") {
                    _ = try bench.second.permits(bench.name, count: 3, bench.request)
                }
                try expectError(.refused, "a signal") { _ = try bench.second.signal(bench.name, bench.request) }
                try expectEqual(try bench.second.permits(bench.name, bench.request).count, 2, "the permits")
                try expectEqual(try one.available(), 2, "the permits nobody holds")
            }
        },
        SignalConformanceLine(
            "place.cycles", alone: true, "Ends that open and close leave nothing behind."
        ) { subject in
            try await SignalBench.run(subject) { bench in
                try await ProcessResources.expectNoGrowth(rounds: 100) { _ in
                    let (one, other) = try bench.permits(1)
                    try await one.acquire(deadline: Limit.wait)
                    let waiter = Task { try await other.acquire(deadline: Limit.wait) }
                    one.close()
                    try await waiter.value
                    other.close()
                }
            }
        },
        SignalConformanceLine(
            "place.contest", "Ends that open and close one name at once never fail and never share a stale one."
        ) { subject in
            try subject.requireNames()
            return try await SignalBench.run(subject) { bench in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for runtime in [bench.first, bench.second, bench.first, bench.second] {
                        group.addTask {
                            for _ in 0..<50 {
                                try await Worker.run {
                                    let permits = try runtime.permits(bench.name, count: 1, bench.request)
                                    try permits.blocking.acquire(deadline: Limit.wait)
                                    try permits.release()
                                    permits.close()
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                try expectEqual(bench.entries.count, 0, "the sidecars that are left")
            }
        },
    ]
}
