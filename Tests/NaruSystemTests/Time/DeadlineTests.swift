// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@Suite struct DeadlineTests {
    @Test func longDurationsSaturateToNever() {
        #expect(Deadline.after(.seconds(Int64.max)) == .never)
        #expect(Deadline.after(.nanoseconds(Int64.max)) < .never)
        #expect(Deadline.after(.seconds(18_446_744_073)) == .never)
    }

    @Test func negativeDurationsAreNow() {
        let before = Deadline.now
        for duration in [Duration.seconds(-1), .nanoseconds(-1), .seconds(Int64.min), .zero] {
            let deadline = Deadline.after(duration)
            #expect(deadline >= before)
            #expect(deadline.isPast)
            #expect(deadline.remainingNanoseconds == 0)
        }
    }

    @Test func fractionsOfASecondCount() {
        let before = Deadline.now
        let deadline = Deadline.after(.milliseconds(3_600_500))
        let after = Deadline.now
        #expect(deadline.nanoseconds >= before.nanoseconds + 3_600_500_000_000)
        #expect(deadline.nanoseconds <= after.nanoseconds + 3_600_500_000_000)
        #expect(!deadline.isPast)
        #expect(deadline.remainingNanoseconds <= 3_600_500_000_000)
    }

    @Test func neverIsAfterEverything() {
        #expect(!Deadline.never.isPast)
        #expect(Deadline.never.remainingNanoseconds == .max)
        #expect(Deadline.now < .never)
        #expect(Deadline(nanoseconds: 0).isPast)
    }

    @Test func clockNeverGoesBack() {
        var last = MonotonicClock.nanoseconds()
        for _ in 0..<1000 {
            let next = MonotonicClock.nanoseconds()
            #expect(next >= last)
            last = next
        }
    }
}
