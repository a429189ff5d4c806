// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruCore
import NaruRing

/// The victim reads.
struct Reading {
    private let bench: Bench

    init(seed: UInt64) throws {
        bench = try Bench(hostile: "data", seed: seed, isWriter: false)
    }

    func run(_ count: Int) throws -> Tally {
        var tally = Tally("reading")
        let before = bench.flips
        var waits = 0
        while tally.rounds < count {
            try useLane(&tally, min(64, count - tally.rounds))
            guard tally.rounds >= waits * count / Bench.waits else { continue }
            try bench.awaitFlips()
            waits += 1
        }
        tally.flips = bench.flips - before
        guard tally.passed > 0, tally.ends["protocolViolation", default: 0] > 0 else {
            throw Complaint(description: "the peer never met the victim: \(tally)")
        }
        return tally
    }

    /// Some rounds with one lane, until it is refused.
    private func useLane(_ tally: inout Tally, _ rounds: Int) throws {
        let lane = RingInboundLane(bench.memory, name: "victim", peerBell: DeafBell())
        defer { lane.close() }
        for round in 0..<rounds {
            tally.rounds += 1
            do throws(NaruError) {
                if round % 8 == 7 {
                    _ = lane.spin(2)
                    _ = try lane.arm(round % 16 == 7 ? .thread : .task)
                    lane.disarm()
                }
                var outside = 0
                var sum: UInt64 = 0
                tally.passed += try lane.drain(4) { record in
                    if !bench.holds(record.bytes) || record.bytes.byteCount < Int(record.header.extensionByteCount) {
                        outside += 1
                        return .takeAndStop
                    }
                    // Every byte is read, as a user would.
                    sum &+= record.bytes.sum
                    return .take
                }
                if outside > 0 {
                    throw NaruError(.corrupted, operation: "read", object: "ring", reason: "it lies outside")
                }
                withExtendedLifetime(sum) {}
            } catch {
                tally.end(error)
                try expectPoisoned(lane, error)
                return
            }
        }
    }

    private func expectPoisoned(_ lane: RingInboundLane, _ error: NaruError) throws {
        guard error.code == .protocolViolation else { throw Complaint(description: "the victim says: \(error)") }
        do throws(NaruError) {
            _ = try lane.drain(1) { _ in .take }
        } catch where error.code == .protocolViolation {
            return
        } catch {
            throw Complaint(description: "after a violation the victim says: \(error)")
        }
        throw Complaint(description: "a violation was forgotten")
    }
}
