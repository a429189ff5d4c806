// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Glibc
import NaruSystem
import Testing

@Suite struct SystemThreadTests {
    @Test func runsNamedAndWithoutSignals() throws {
        let log = Log<String>()
        let before = ownMask()
        let thread = try SystemThread(name: "a name that is too long") {
            let comm = (try? FileSystem.readSmallFile("/proc/thread-self/comm", limit: 64)) ?? []
            log.append(String(decoding: comm, as: UTF8.self))
            var mask = sigset_t()
            unsafe pthread_sigmask(SIG_BLOCK, nil, &mask)
            let blocked = [SIGTERM, SIGINT, SIGPIPE, SIGUSR1].allSatisfy { unsafe sigismember(&mask, $0) == 1 }
            log.append(blocked ? "blocked" : "open")
        }
        thread.join()
        thread.join()
        #expect(log.all == ["a name that is \n", "blocked"])
        #expect(ownMask() == before)
    }

    /// Which signals the calling thread blocks.
    private func ownMask() -> [Bool] {
        var mask = sigset_t()
        unsafe pthread_sigmask(SIG_BLOCK, nil, &mask)
        return (1...64).map { unsafe sigismember(&mask, $0) == 1 }
    }

    @Test func knowsItself() throws {
        let log = Log<Bool>()
        let given = Log<SystemThread>()
        let thread = try SystemThread(name: "self") {
            given.wait()
            let own = given.all[0]
            log.append(own.isCurrent)
            // Waiting for oneself returns.
            own.join()
        }
        given.append(thread)
        #expect(!thread.isCurrent)
        thread.join()
        #expect(log.all == [true])
        _ = given.take()
    }

    @Test func joinsFromManyThreads() throws {
        let gate = Log<Void>()
        let log = Log<Int>()
        let thread = try SystemThread(name: "joined") {
            gate.wait()
            log.append(0)
        }
        let joiners = try (1...3).map { number in
            try SystemThread(name: "joiner") {
                thread.join()
                log.append(number)
            }
        }
        gate.append(())
        for joiner in joiners { joiner.join() }
        #expect(log.all.first == 0)
        #expect(log.all.sorted() == [0, 1, 2, 3])
    }

    @Test func releasesWhatItsBodyHolds() throws {
        final class Owned: Sendable {}
        weak var held: Owned?
        let thread: SystemThread
        do {
            let owned = Owned()
            held = owned
            thread = try SystemThread(name: "owner") { withExtendedLifetime(owned) {} }
        }
        thread.join()
        #expect(held == nil)
    }
}
