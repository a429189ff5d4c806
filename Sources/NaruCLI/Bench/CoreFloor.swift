// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Synchronization

/// How far apart the two cores are: the round trip of a cache line between them, the floor of every exchange in memory.
///
/// A hypervisor moves virtual cores, and this moves with them, so every case carries the floor before and after it.
enum CoreFloor {
    private final class Lines: Sendable {
        let request = Line()
        let reply = Line()
    }

    /// A word with two cache lines to itself.
    private final class Line: Sendable {
        let before: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) =
            (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        let word = Atomic<UInt64>(0)
        let after: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) =
            (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    }

    /// The median round trip between core 0 and core 1 in nanoseconds; 0 where there is only one.
    static func probe() throws -> Double {
        guard HostInformation.coreCount > 1 else { return 0 }
        let lines = Lines()
        let (warm, count) = (200, 1_500)
        // Both ends stop at the deadline: a core that is taken away must not hang the measurement.
        let deadline = Deadline.after(.seconds(2))
        let responder = try SystemThread(name: "naru-floor") {
            try? Processor.pin(to: 1)
            for number in 1...UInt64(warm + count) {
                guard wait(lines.request.word, number, deadline) else { return }
                lines.reply.word.store(number, ordering: .releasing)
            }
        }
        let times = Mutex<[UInt64]>([])
        let prober = try SystemThread(name: "naru-floor") {
            try? Processor.pin(to: 0)
            var own: [UInt64] = []
            own.reserveCapacity(warm + count)
            for number in 1...UInt64(warm + count) {
                let start = TickClock.ticks()
                lines.request.word.store(number, ordering: .releasing)
                guard wait(lines.reply.word, number, deadline) else { break }
                own.append(TickClock.ticks() - start)
            }
            times.withLock { [own] in $0 = own }
        }
        prober.join()
        responder.join()
        let measured = times.withLock { $0.dropFirst(warm).sorted() }
        guard !measured.isEmpty else { return 0 }
        return Double(measured[measured.count / 2]) * TickClock.nanosecondsPerTick
    }

    @inline(__always)
    private static func wait(_ word: borrowing Atomic<UInt64>, _ number: UInt64, _ deadline: Deadline) -> Bool {
        var rounds = 1
        while word.load(ordering: .acquiring) != number {
            if rounds & 0xfffff == 0, deadline.isPast { return false }
            rounds &+= 1
        }
        return true
    }
}

/// Keeps both cores awake with spinners that give way to everybody, until told to stop.
final class AwakeSpinners: Sendable {
    private let isOver = Atomic(false)
    private let threads = Mutex<[SystemThread]>([])

    init(cores: Int) throws {
        for core in 0..<cores {
            let thread = try SystemThread(name: "naru-awake") { [self] in
                try? Processor.pin(to: core)
                guard (try? Processor.runWhenIdle()) != nil else { return }
                while !isOver.load(ordering: .relaxed) { Processor.spinHint() }
            }
            threads.withLock { $0.append(thread) }
        }
    }

    /// Ends the spinners and waits for them.
    func stop() {
        isOver.store(true, ordering: .relaxed)
        for thread in threads.withLock({ $0 }) { thread.join() }
    }
}
