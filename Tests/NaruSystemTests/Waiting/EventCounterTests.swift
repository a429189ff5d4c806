// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Glibc
import NaruSystem
import Testing

@Suite struct EventCounterTests {
    @Test func countsAndDrains() throws {
        let counter = try EventCounter()
        #expect(counter.drain() == 0)
        #expect(try counter.descriptor.pollOnce(.readable) == [])
        counter.signal()
        counter.signal()
        #expect(try counter.descriptor.pollOnce(.readable) == .readable)
        #expect(counter.drain() == 2)
        #expect(try counter.descriptor.pollOnce(.readable) == [])
    }

    @Test func drainingDoesNotBlockWhenAPeerMadeTheFileBlock() throws {
        let counter = try EventCounter()
        let peer = EventCounter(adopting: try counter.descriptor.duplicate())
        #expect(fcntl(peer.descriptor.raw, F_SETFL, 0) == 0)
        #expect(counter.drain() == 0)
        peer.signal()
        #expect(counter.drain() == 1)
    }
}
