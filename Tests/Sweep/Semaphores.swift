// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// Users of permits and signals.
enum Semaphores {
    static func run(_ party: Party, _ naru: Naru) async throws {
        let settings = try party.settings(naru)
        let ledger = party.ledger
        switch party.role {
        case "permits":
            // One permit, taken three times.
            let permits = try naru.permits(settings, count: 1)
            ledger.reach(.open)
            for round in 1...3 as ClosedRange<UInt64> {
                try await permits.acquire(deadline: .after(.seconds(60)))
                ledger.note(round)
                try permits.release()
            }
            permits.close()
        case "permits-hold":
            let permits = try naru.permits(settings, count: 1)
            ledger.reach(.open)
            try await permits.acquire(deadline: .after(.seconds(60)))
            try party.hold()
        case "permits-try":
            // Contends for it until its input ends, then tries for so many milliseconds.
            let permits = try naru.permits(settings, count: 1)
            ledger.reach(.open)
            let input = Descriptor(adopting: 0)
            while try input.poll(.readable, deadline: .after(.milliseconds(1))).isEmpty {
                if try permits.tryAcquire() { try permits.release() }
            }
            try await permits.acquire(deadline: .after(.milliseconds(party.number)))
            ledger.note(1)
            try permits.release()
            permits.close()
        case "signal-post":
            let signal = try naru.signal(settings)
            ledger.reach(.open)
            for number in 1...2 as ClosedRange<UInt64> {
                try signal.post()
                ledger.note(number)
            }
            signal.close()
        default:
            // Takes two, each within so many milliseconds; what it could not take is no failure.
            let signal = try naru.signal(settings)
            ledger.reach(.open)
            for number in 1...2 as ClosedRange<UInt64> {
                do throws(NaruError) {
                    try await signal.wait(deadline: .after(.milliseconds(party.number)))
                    ledger.note(number)
                } catch {
                    guard error.code == .deadlineExceeded else { throw error }
                }
            }
            signal.close()
        }
    }
}
