// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

@testable import NaruSystem
import Testing

@Suite struct TimerQueueTests {
    /// The numbers of all timers in the order in which they come.
    private func drain(_ queue: inout TimerQueue, dueAt now: Deadline, _ log: Log<Int>) -> [Int] {
        while let work = queue.removeFirst(dueAt: now, numberedBelow: .max) { work() }
        return log.take()
    }

    @Test func comesInOrderOfTimeThenOfNumber() {
        var queue = TimerQueue()
        let log = Log<Int>()
        // A fixed scramble of 0..<500, ten timers a deadline.
        for step in 0..<500 {
            let number = step * 263 % 500
            _ = queue.insert(UInt64(number), at: Deadline(nanoseconds: UInt64(number / 10))) { log.append(number) }
        }
        #expect(queue.nextDeadline == Deadline(nanoseconds: 0))
        #expect(drain(&queue, dueAt: Deadline(nanoseconds: 24), log) == Array(0..<250))
        #expect(queue.nextDeadline == Deadline(nanoseconds: 25))
        #expect(drain(&queue, dueAt: .never, log) == Array(250..<500))
        #expect(queue.nextDeadline == .never)
        #expect(queue.count == 0)
    }

    @Test func tellsWhetherANewOneIsFirst() {
        var queue = TimerQueue()
        #expect(queue.insert(1, at: Deadline(nanoseconds: 10)) {})
        #expect(!queue.insert(2, at: Deadline(nanoseconds: 10)) {})
        #expect(queue.insert(3, at: Deadline(nanoseconds: 9)) {})
    }

    @Test func takenBackOnesNeverCome() {
        var queue = TimerQueue()
        let log = Log<Int>()
        for number in 0..<100 {
            _ = queue.insert(UInt64(number), at: Deadline(nanoseconds: UInt64(number))) { log.append(number) }
        }
        for number in stride(from: 0, to: 100, by: 2) { #expect(queue.remove(UInt64(number)) != nil) }
        #expect(queue.remove(0) == nil)
        #expect(queue.nextDeadline == Deadline(nanoseconds: 1))
        #expect(drain(&queue, dueAt: .never, log) == Array(stride(from: 1, to: 100, by: 2)))
    }

    @Test func oneThatWasSetSinceWaitsForTheNextRound() {
        var queue = TimerQueue()
        let log = Log<Int>()
        _ = queue.insert(1, at: Deadline(nanoseconds: 5)) { log.append(1) }
        _ = queue.insert(2, at: Deadline(nanoseconds: 0)) { log.append(2) }
        #expect(queue.removeFirst(dueAt: .never, numberedBelow: 2) == nil)
        #expect(drain(&queue, dueAt: .never, log) == [2, 1])
    }

    @Test func placesOfTakenBackOnesDoNotPileUp() {
        var queue = TimerQueue()
        let log = Log<Int>()
        for number in 0..<10 { _ = queue.insert(UInt64(number), at: .never) { log.append(number) } }
        for number in 10..<10_000 {
            _ = queue.insert(UInt64(number), at: .never) {}
            _ = queue.remove(UInt64(number))
        }
        #expect(queue.placeCount <= 2 * 10 + 66)
        #expect(drain(&queue, dueAt: .never, log) == Array(0..<10))
    }
}
