// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruRing

/// The victim writes.
struct Writing {
    private let bench: Bench
    private var dice: Dice
    private let payload = [UInt8](repeating: 0xA5, count: 1024)

    init(seed: UInt64) throws {
        bench = try Bench(hostile: "control", seed: seed, isWriter: true)
        dice = Dice(seed &+ 1)
    }

    mutating func run(_ count: Int) throws -> Tally {
        var tally = Tally("writing")
        let before = bench.flips
        var waits = 0
        while tally.rounds < count {
            try useLane(&tally, min(64, count - tally.rounds))
            guard tally.rounds >= waits * count / Bench.waits else { continue }
            try bench.awaitFlips()
            waits += 1
            guard bench.isFirstPageIntact() else { throw Complaint(description: "the victim wrote before the ring") }
        }
        tally.flips = bench.flips - before
        guard tally.passed > 0, tally.ends["protocolViolation", default: 0] > 0 else {
            throw Complaint(description: "the peer never met the victim: \(tally)")
        }
        return tally
    }

    /// Some rounds with one lane, until it is refused.
    private mutating func useLane(_ tally: inout Tally, _ rounds: Int) throws {
        let lane = RingOutboundLane(bench.memory, name: "victim", peerBell: DeafBell())
        defer { lane.close() }
        for _ in 0..<rounds {
            tally.rounds += 1
            do throws(NaruError) {
                if try step(lane) { tally.passed += 1 }
            } catch {
                tally.end(error)
                try expectPoisoned(lane, error)
                return
            }
        }
    }

    /// One operation; `true` when a record was accepted.
    private mutating func step(_ lane: RingOutboundLane) throws(NaruError) -> Bool {
        let byteCount = dice.roll(dice.roll(2) == 0 ? 64 : 1025)
        switch dice.roll(8) {
        case 0:
            lane.hold()
            return false
        case 1:
            try lane.publish()
            return false
        case 2:
            _ = try lane.arm(byteCount & 1 == 0 ? .thread : .task, byteCount: byteCount)
            lane.disarm()
            return false
        case 3:
            _ = lane.spin(2, byteCount: byteCount)
            return false
        case 4, 5:
            guard let room = unsafe try lane.reserve(byteCount) else { return false }
            guard room.count == byteCount, unsafe bench.holds(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(room)))
            else {
                throw NaruError(.corrupted, operation: "reserve", object: "ring", reason: "the loan lies outside")
            }
            // The loan's own bytes, while it is out.
            unsafe room.copyBytes(from: payload.prefix(byteCount))
            if byteCount % 3 == 0 {
                lane.abort()
                return false
            }
            try lane.commit(RecordHeader(), byteCount: byteCount)
            return true
        default:
            return unsafe try lane.trySend(
                RecordHeader(), RawSpan(), payload.span.bytes.extracting(first: byteCount))
        }
    }

    private func expectPoisoned(_ lane: RingOutboundLane, _ error: NaruError) throws {
        guard error.code == .protocolViolation else { throw Complaint(description: "the victim says: \(error)") }
        do throws(NaruError) {
            _ = unsafe try lane.trySend(RecordHeader(), RawSpan(), payload.span.bytes)
        } catch where error.code == .protocolViolation {
            return
        } catch {
            throw Complaint(description: "after a violation the victim says: \(error)")
        }
        throw Complaint(description: "a violation was forgotten")
    }
}
