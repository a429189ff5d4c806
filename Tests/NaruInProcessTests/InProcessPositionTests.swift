// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruSystem
import Testing

@testable import NaruInProcess

/// Rings that have carried much: their positions pass 2^16, 2^32 and 2^63 in the middle of the traffic.
@Suite struct InProcessPositionTests {
    @Test(arguments: [0, 1 << 16, 1 << 32, 1 << 63] as [UInt64], [0, 16, 512, 1008, 1024, 4096] as [UInt64])
    func randomRecordsPassThePosition(_ place: UInt64, _ before: UInt64) throws {
        let (senderBell, receiverBell) = (try TestBell(), try TestBell())
        let start = place > before ? place - before : place
        let ring = RecordRing(
            InProcessConfiguration(ringByteCount: 1024), senderBell: senderBell, receiverBell: receiverBell,
            startingAt: start)
        let outbound = InProcessOutboundLane(ring, link: .random())
        let inbound = InProcessInboundLane(ring, link: .random())
        var (sent, taken) = (0, 0)
        // Lengths that follow from the number, up to some beyond what lies in the ring itself.
        func record(_ number: Int) -> [UInt8] {
            (0..<(number * 7919 % 200)).map { UInt8(truncatingIfNeeded: $0 &+ number) }
        }
        while sent < 1000 {
            while try outbound.trySend(record(sent)) { sent += 1 }
            // Some now, the rest later, so that the ring is full, half full and empty at all offsets.
            for found in try inbound.take(sent % 5 + 1) {
                #expect(found.bytes == record(taken))
                taken += 1
            }
        }
        for found in try inbound.take() {
            #expect(found.bytes == record(taken))
            taken += 1
        }
        #expect(taken == sent)
        #expect(unsafe ring.sender.pointee.position > start + 8192)
        outbound.close()
        inbound.close()
    }

    @Test(arguments: [1 << 16, 1 << 32, 1 << 63] as [UInt64])
    func whatNobodyReadIsReleasedOnEitherSideOfThePosition(_ place: UInt64) throws {
        weak var last: OwnedMessage?
        do {
            let ring = RecordRing(
                InProcessConfiguration(ringByteCount: 1024), senderBell: try TestBell(), receiverBell: try TestBell(),
                startingAt: place - 64)
            let outbound = InProcessOutboundLane(ring, link: .random())
            let inbound = InProcessInboundLane(ring, link: .random())
            for _ in 0..<20 {
                let message = OwnedMessage([UInt8](repeating: 1, count: 100))
                last = message
                #expect(try outbound.trySend(RecordHeader(), adopting: message))
            }
            outbound.close()
            inbound.close()
        }
        #expect(last == nil)
    }
}
