// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@Suite struct PollerTests {
    @Test func tellsTokensAndEvents() throws {
        let poller = try Poller()
        let (a, b) = try UnixSocket.pair(kind: .stream)
        let counter = try EventCounter()
        try poller.add(a, token: .max, events: [.readable, .writable])
        try poller.add(counter.descriptor, token: 7, events: .readable)
        var events: [PollEvent] = []
        #expect(try poller.wait(into: &events, deadline: .never) == 1)
        #expect(events == [PollEvent(token: .max, events: .writable)])
        #expect(try send("x", "", to: b) == .bytes(1))
        counter.signal()
        #expect(try poller.wait(into: &events, deadline: .never) == 2)
        #expect(Set(events.map(\.token)) == [.max, 7])
        b.close()
        #expect(
            try eventually { () throws(SystemError) in
                let count = try poller.wait(into: &events, deadline: .never)
                return count == 2 && events.contains { $0.token == .max && $0.events.contains([.readable, .hangUp]) }
            })
    }

    @Test func timesOutAtItsDeadlineAndNotBefore() throws {
        let poller = try Poller()
        var events = [PollEvent(token: 1, events: .readable)]
        #expect(try poller.wait(into: &events, deadline: Deadline(nanoseconds: 0)) == 0)
        #expect(events == [])
        let deadline = Deadline.after(.microseconds(1500))
        #expect(try poller.wait(into: &events, deadline: deadline) == 0)
        #expect(deadline.isPast)
    }

    @Test func oneShotIsToldOnceUntilArmedAgain() throws {
        let poller = try Poller()
        let counter = try EventCounter()
        let now = Deadline(nanoseconds: 0)
        var events: [PollEvent] = []
        try poller.add(counter.descriptor, token: 1, events: .readable, oneShot: true)
        counter.signal()
        #expect(try poller.wait(into: &events, deadline: now) == 1)
        #expect(try poller.wait(into: &events, deadline: now) == 0)
        try poller.modify(counter.descriptor, token: 2, events: .readable, oneShot: true)
        #expect(try poller.wait(into: &events, deadline: now) == 1)
        #expect(events[0].token == 2)
    }

    @Test func edgeIsToldPerSignalWithoutReading() throws {
        let poller = try Poller()
        let counter = try EventCounter()
        let now = Deadline(nanoseconds: 0)
        var events: [PollEvent] = []
        try poller.add(counter.descriptor, token: 1, events: .readable, edge: true)
        for _ in 0..<3 {
            counter.signal()
            #expect(try poller.wait(into: &events, deadline: now) == 1)
            #expect(try poller.wait(into: &events, deadline: now) == 0)
        }
    }

    @Test func removedOneIsSilentAndSecondAddIsRefused() throws {
        let poller = try Poller()
        let counter = try EventCounter()
        var events: [PollEvent] = []
        try poller.add(counter.descriptor, token: 1, events: .readable)
        #expect(
            thrown { () throws(SystemError) in try poller.add(counter.descriptor, token: 2, events: .readable) }
                == SystemErrno.exists)
        counter.signal()
        poller.remove(counter.descriptor)
        poller.remove(counter.descriptor)
        #expect(try poller.wait(into: &events, deadline: Deadline(nanoseconds: 0)) == 0)
        #expect(
            thrown { () throws(SystemError) in try poller.modify(counter.descriptor, token: 1, events: .readable) }
                == SystemErrno.notFound)
    }

    @Test func moreThanABatchComesInSeveral() throws {
        let poller = try Poller()
        let counters = try (0..<100).map { _ in try EventCounter() }
        for (token, counter) in counters.enumerated() {
            try poller.add(counter.descriptor, token: UInt64(token), events: .readable, oneShot: true)
            counter.signal()
        }
        var seen: Set<UInt64> = []
        var events: [PollEvent] = []
        while try poller.wait(into: &events, deadline: Deadline(nanoseconds: 0)) > 0 {
            seen.formUnion(events.map(\.token))
        }
        #expect(seen == Set(0..<100))
        withExtendedLifetime(counters) {}
    }
}
