// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Synchronization
import Testing

@testable import NaruCore

@Suite(.timeLimit(.minutes(1))) struct WaitSlotTests {
    @Test func aPermitIsKeptUntilPrepared() async throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        let slot = WaitSlot()
        slot.wake()
        #expect(await slot.suspend(deadline: .never, reactor: reactor) == .woken)
        slot.prepare()
        #expect(await slot.suspend(deadline: .after(.milliseconds(1)), reactor: reactor) == .timedOut)
    }

    @Test func cancellationEndsASuspension() async throws {
        let reactor = try Reactor(name: "test")
        defer { reactor.shutdown() }
        let slot = WaitSlot()
        let task = Task { await slot.suspend(deadline: .never, reactor: reactor) }
        task.cancel()
        #expect(await task.value == .cancelled)
    }

    /// A futex word: whoever wakes stores zero first, so a wake between the check and the sleep is never lost.
    @Test func wakesBetweenCheckAndSleepAreNotLost() throws {
        let slot = WaitSlot()
        let rounds = 20_000
        let round = Atomic(0)
        let waker = try SystemThread(name: "waker") {
            for target in 1...rounds {
                while round.load(ordering: .acquiring) < target { Processor.spinHint() }
                slot.wake()
            }
        }
        let word = UnsafeMutablePointer<Atomic<UInt32>>.allocate(capacity: 1)
        unsafe word.initialize(to: Atomic(0))
        defer { unsafe word.deallocate() }
        for target in 1...rounds {
            slot.prepare()
            unsafe word.pointee.store(1, ordering: .sequentiallyConsistent)
            round.store(target, ordering: .releasing)
            let outcome = unsafe try slot.block(
                on: .word(UnsafePointer(word), value: 1), deadline: .after(.seconds(20)))
            #expect(outcome == .woken)
        }
        waker.join()
    }

    @Test func aThreadOnADescriptorIsInterrupted() throws {
        let slot = WaitSlot()
        let (own, peer) = try UnixSocket.pair(kind: .stream)
        defer { peer.close() }
        let waker = try SystemThread(name: "waker") { slot.wake() }
        #expect(try slot.block(on: .descriptor(own, .readable), deadline: .never) == .woken)
        waker.join()
        slot.prepare()
        #expect(try slot.block(on: .descriptor(own, .readable), deadline: .after(.milliseconds(1))) == .timedOut)
    }

    @Test func aThreadWithNothingToLookAtIsWoken() throws {
        let slot = WaitSlot()
        let rounds = 20_000
        let round = Atomic(0)
        let waker = try SystemThread(name: "waker") {
            for target in 1...rounds {
                while round.load(ordering: .acquiring) < target { Processor.spinHint() }
                slot.wake()
            }
        }
        for target in 1...rounds {
            slot.prepare()
            round.store(target, ordering: .releasing)
            #expect(try slot.block(deadline: .after(.seconds(20))) == .woken)
        }
        waker.join()
        slot.prepare()
        #expect(try slot.block(deadline: .after(.milliseconds(1))) == .timedOut)
    }
}
