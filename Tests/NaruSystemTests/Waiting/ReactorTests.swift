// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Glibc
import NaruSystem
import Synchronization
import Testing

@Suite struct ReactorTests {
    private let reactor: Reactor

    init() throws { reactor = try Reactor(name: "naru-test") }

    /// Returns when everything that was found or queued before has run.
    private func settle() {
        let log = Log<Void>()
        // The first round may already have begun; the second comes after it.
        for _ in 0..<2 {
            #expect(reactor.perform { log.append(()) })
            log.wait()
        }
    }

    @Test func performsInOrderOnItsThread() {
        let log = Log<Int>()
        for number in 0..<1000 {
            reactor.perform { [reactor] in log.append(reactor.isCurrentThread ? number : -1) }
        }
        log.wait(count: 1000)
        #expect(log.all == Array(0..<1000))
        #expect(!reactor.isCurrentThread)
        reactor.shutdown()
    }

    @Test func performFromWithinRunsAfterwards() {
        let log = Log<Int>()
        reactor.perform { [reactor] in
            reactor.perform { log.append(2) }
            log.append(1)
        }
        log.wait(count: 2)
        #expect(log.all == [1, 2])
        reactor.shutdown()
    }

    @Test func performsOfManyThreadsAllRunInEachOnesOrder() throws {
        let log = Log<(Int, Int)>()
        let threads = try (0..<4).map { thread in
            try SystemThread(name: "performer") { [reactor] in
                for number in 0..<500 { reactor.perform { log.append((thread, number)) } }
            }
        }
        for thread in threads { thread.join() }
        log.wait(count: 2000)
        for thread in 0..<4 { #expect(log.all.filter { $0.0 == thread }.map(\.1) == Array(0..<500)) }
        reactor.shutdown()
    }

    @Test func callsAHandlerAsLongAsTheStateLasts() throws {
        let (a, b) = try UnixSocket.pair(kind: .stream)
        let log = Log<String>()
        let registration = try reactor.add(a, events: .readable, oneShot: false) { events in
            // One byte a call: what is left calls again.
            if events.contains(.readable), let found = try? receive(a, 1) { log.append(found.1) }
        }
        #expect(try send("abc", "", to: b) == .bytes(3))
        log.wait(count: 3)
        #expect(log.all == ["a", "b", "c"])
        reactor.remove(registration)
        reactor.shutdown()
    }

    @Test func oneShotWaitsUntilItIsArmedAgain() throws {
        let counter = try EventCounter()
        let log = Log<PollEvents>()
        let registration = try reactor.add(counter.descriptor, events: .readable, oneShot: true) { log.append($0) }
        counter.signal()
        log.wait()
        counter.signal()
        settle()
        #expect(log.all == [.readable])
        try reactor.rearm(registration, events: .readable)
        log.wait()
        try reactor.rearm(registration, events: .writable)
        log.wait()
        #expect(log.all == [.readable, .readable, .writable])
        reactor.shutdown()
    }

    @Test func interestIsChanged() throws {
        let (a, b) = try UnixSocket.pair(kind: .stream)
        let log = Log<PollEvents>()
        let registration = try reactor.add(a, events: [], oneShot: false) { log.append($0) }
        #expect(try send("x", "", to: b) == .bytes(1))
        settle()
        #expect(log.all == [])
        try reactor.rearm(registration, events: .readable)
        log.wait()
        #expect(log.all[0] == .readable)
        reactor.remove(registration)
        reactor.shutdown()
    }

    @Test func removeInsideTheHandlerIsTheEnd() throws {
        let counter = try EventCounter()
        let log = Log<Int>()
        let own = Mutex<Reactor.Registration?>(nil)
        // The lock is held until the number is known, so that the handler waits for it.
        try own.withLock { own_ in
            own_ = try reactor.add(counter.descriptor, events: .readable, oneShot: false) { [reactor] _ in
                own.withLock { registration in
                    if let registration {
                        reactor.remove(registration)
                        reactor.remove(registration)
                    }
                }
                log.append(1)
            }
            counter.signal()
        }
        log.wait()
        settle()
        #expect(log.all == [1])
        #expect(try counter.descriptor.pollOnce(.readable) == .readable)
        reactor.shutdown()
    }

    /// Both have events in one batch; whichever is first removes the other.
    @Test func removedByAnotherHandlerOfTheSameBatchIsNotCalled() throws {
        let counters = (try EventCounter(), try EventCounter())
        let log = Log<Int>()
        let registrations = Mutex<[Reactor.Registration]>([])
        let isReady = Log<Void>()
        // The thread is held in this work until both are readable: one batch.
        reactor.perform { isReady.wait() }
        for (number, counter) in [counters.0, counters.1].enumerated() {
            let registration = try reactor.add(counter.descriptor, events: .readable, oneShot: false) { [reactor] _ in
                log.append(number)
                registrations.withLock { $0 }.forEach(reactor.remove)
            }
            registrations.withLock { $0.append(registration) }
            counter.signal()
        }
        isReady.append(())
        log.wait()
        settle()
        #expect(log.all.count == 1)
        reactor.shutdown()
    }

    @Test func afterRemoveOnTheThreadItselfNoCallComes() throws {
        let counter = try EventCounter()
        let log = Log<String>()
        let registration = try reactor.add(counter.descriptor, events: .readable, oneShot: false) { _ in
            log.append("called")
        }
        reactor.perform { [reactor] in
            reactor.remove(registration)
            _ = log.take()
            counter.signal()
            log.append("removed")
        }
        log.wait()
        settle()
        #expect(log.all == ["removed"])
        #expect(
            thrown { () throws(SystemError) in try reactor.rearm(registration, events: .readable) }
                == SystemErrno.notFound)
        reactor.shutdown()
    }

    @Test func descriptorIsHeldUntilItIsRemoved() throws {
        let (a, b) = try UnixSocket.pair(kind: .stream)
        var held: Descriptor? = a
        _ = consume a
        let registration = try reactor.add(held!, events: [], oneShot: false) { _ in }
        held = nil
        #expect(held == nil)
        #expect(try b.pollOnce(.readable) == [])
        reactor.remove(registration)
        #expect(try eventually { () throws(SystemError) in try b.pollOnce(.readable) == [.readable, .hangUp] })
        reactor.shutdown()
    }

    @Test func timersComeInOrder() {
        let log = Log<Int>()
        let start = MonotonicClock.nanoseconds()
        for number in [3, 1, 2, 0] {
            let deadline = Deadline(nanoseconds: start + UInt64(number) * 2_000_000)
            _ = reactor.schedule(at: deadline) { log.append(deadline.isPast ? number : -1) }
        }
        log.wait(count: 4)
        #expect(log.all == [0, 1, 2, 3])
        reactor.shutdown()
    }

    @Test func equalTimesKeepTheOrderOfTheCalls() {
        let log = Log<Int>()
        let deadline = Deadline.after(.milliseconds(2))
        for number in 0..<100 { _ = reactor.schedule(at: deadline) { log.append(number) } }
        log.wait(count: 100)
        #expect(log.all == Array(0..<100))
        reactor.shutdown()
    }

    @Test func cancelledTimerDoesNotRun() {
        let log = Log<Int>()
        let deadline = Deadline.after(.milliseconds(5))
        let cancelled = reactor.schedule(at: deadline) { log.append(1) }
        _ = reactor.schedule(at: deadline) { log.append(2) }
        reactor.cancel(cancelled)
        reactor.cancel(cancelled)
        log.wait()
        #expect(log.all == [2])
        reactor.shutdown()
    }

    @Test func earlierTimerWakesALaterWait() {
        let log = Log<Int>()
        _ = reactor.schedule(at: .after(.seconds(3600))) { log.append(1) }
        settle()
        _ = reactor.schedule(at: .now) { log.append(2) }
        log.wait()
        #expect(log.all == [2])
        reactor.shutdown()
    }

    @Test func timerSetByATimerLetsDescriptorsIn() throws {
        let counter = try EventCounter()
        let log = Log<Int>()
        let reactor = self.reactor
        @Sendable func again() { _ = reactor.schedule(at: Deadline(nanoseconds: 0), again) }
        again()
        _ = try reactor.add(counter.descriptor, events: .readable, oneShot: true) { _ in log.append(1) }
        counter.signal()
        log.wait()
        #expect(log.all == [1])
        reactor.shutdown()
    }

    @Test func shutdownFromAnotherThreadDropsEverything() throws {
        final class Owned: Sendable {
            let log: Log<String>
            init(_ log: Log<String>) { self.log = log }
            deinit { log.append("released") }
        }
        let log = Log<String>()
        let (a, b) = try UnixSocket.pair(kind: .stream)
        var owned: Owned? = Owned(log)
        _ = try reactor.add(a, events: .readable, oneShot: false) { [owned] _ in _ = owned }
        _ = reactor.schedule(at: .never) { [owned] in _ = owned }
        owned = nil
        #expect(log.all == [])
        let thread = try SystemThread(name: "ender") { [reactor] in
            reactor.shutdown()
            reactor.shutdown()
        }
        reactor.shutdown()
        thread.join()
        #expect(log.all == ["released"])
        #expect(owned == nil)
        #expect(!reactor.perform { log.append("performed") })
        _ = reactor.schedule(at: .now) { log.append("scheduled") }
        #expect(
            thrown { () throws(SystemError) in _ = try reactor.add(b, events: .readable, oneShot: false) { _ in } }
                == SystemErrno.cancelled)
        #expect(log.all == ["released"])
    }

    @Test func shutdownFromItsOwnThreadRunsNothingMore() throws {
        let log = Log<Int>()
        reactor.perform { [reactor] in
            reactor.perform { log.append(2) }
            reactor.shutdown()
            log.append(reactor.perform { log.append(3) } ? -1 : 1)
        }
        log.wait()
        reactor.shutdown()
        #expect(log.all == [1])
    }

    @Test func releasingItsLastReferenceEndsTheThread() throws {
        let log = Log<Int>()
        let (a, b) = try UnixSocket.pair(kind: .stream)
        do {
            let other = try Reactor(name: "naru-dropped")
            _ = try other.add(a, events: .readable, oneShot: false) { _ in log.append(1) }
        }
        #expect(try send("x", "", to: b) == .bytes(1))
        #expect(log.all == [])
        reactor.shutdown()
    }

    @Test func handlerMayCallEverything() throws {
        let log = Log<String>()
        let (first, second) = (try EventCounter(), try EventCounter())
        _ = try reactor.add(first.descriptor, events: .readable, oneShot: true) { [reactor] _ in
            let inner = try? reactor.add(second.descriptor, events: .readable, oneShot: true) { _ in
                log.append("added")
            }
            if inner == nil { log.append("refused") }
            let timer = reactor.schedule(at: .now) { log.append("cancelled timer ran") }
            reactor.cancel(timer)
            _ = reactor.schedule(at: .now) { second.signal() }
        }
        first.signal()
        log.wait()
        #expect(log.all == ["added"])
        reactor.shutdown()
    }

    @Test func idleThreadUsesNoTime() throws {
        let log = Log<Int>()
        // The thread's own clock, read twice with nothing to do in between but waiting for a timer.
        let clock = { @Sendable () -> Int in
            var time = timespec()
            unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return time.tv_sec * 1_000_000_000 + time.tv_nsec
        }
        reactor.perform { log.append(clock()) }
        log.wait()
        _ = reactor.schedule(at: .after(.milliseconds(200))) { log.append(clock()) }
        log.wait()
        // A loop that does not sleep would use all of the 200 ms.
        #expect(log.all[1] - log.all[0] < 100_000_000)
        reactor.shutdown()
    }
}
