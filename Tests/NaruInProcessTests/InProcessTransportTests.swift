// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruInProcess
import Testing

@Suite struct InProcessTransportTests {
    @Test func theRecordSaysWhatItCan() throws {
        let transport = InProcessTransport()
        #expect(transport.name == .inProcess)
        let record = try transport.probe().validated()
        #expect(record.transport == transport.name)
        #expect(record.localities == [.sameProcess])
        #expect(record.directions == [.simplex, .duplex])
        #expect(Set(record.properties) == [.zeroCopy, .confidential, .confirmed, .pollable])
        #expect(record.loans == .inPlace)
        #expect(record.survivesSenderDeath)
        #expect(record.maximumRecordBytes == RecordHeader.maximumByteCount)
        #expect(record.availability == .available)
    }

    @Test(arguments: [1024, 1025, 5000, 65_536])
    func theRingIsRoundedUp(asked: Int) throws {
        let link = try TestLink(.init(ringByteCount: asked))
        var sent = 0
        while try link.outbound().trySend([1]) { sent += 1 }
        // A record of one byte takes 32; one head stays free.
        #expect((sent + 1) * 32 >= asked && (sent + 1) * 32 < 2 * asked)
        #expect(try link.inbound().take().count == sent)
    }
}
