// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@testable import NaruCLI

@Suite struct QueueChecksTests {
    private var usual: QueueLimits {
        var limits = QueueLimits.current()
        (limits.posixDepth, limits.posixMessageBytes, limits.posixQueues) = (10, 8192, 256)
        (limits.posixUserBytes, limits.posixUserBytesAtMost) = (819_200, 819_200)
        (limits.sysvMessageBytes, limits.sysvQueueBytes, limits.sysvQueues) = (8192, 16_384, 32_000)
        return limits
    }

    @Test func limitsAreToldWithWhatLiftsThem() {
        let posix = QueueChecks.posix(usual)
        #expect(posix.status == .ok)
        for word in ["fs.mqueue.msg_max", "fs.mqueue.msgsize_max", "fs.mqueue.queues_max", "ulimit -q", "9 links"] {
            #expect(posix.detail.contains(word), "\(posix.detail)")
        }
        let sysv = QueueChecks.sysv(usual)
        #expect(sysv.status == .ok)
        for word in ["kernel.msgmax", "kernel.msgmnb", "kernel.msgmni"] { #expect(sysv.detail.contains(word)) }
    }

    @Test func noRoomForAQueueIsAProblem() {
        var limits = usual
        limits.posixUserBytes = 1000
        #expect(QueueChecks.posix(limits).status == .problem)
        #expect(QueueChecks.posix(limits).remedy?.contains("ulimit -q") == true)
        limits.posixUserBytes = .max
        #expect(QueueChecks.posix(limits).status == .ok)
        limits.sysvQueues = 0
        #expect(QueueChecks.sysv(limits).remedy?.contains("kernel.msgmni") == true)
    }

    @Test func hiddenLimitsAreAWarning() {
        var limits = usual
        limits.posixDepth = nil
        limits.sysvQueueBytes = nil
        #expect(QueueChecks.posix(limits).status == .warning)
        #expect(QueueChecks.sysv(limits).status == .warning)
    }

    /// What the kernel counts for a queue is what it refuses by.
    @Test func theMemoryOfAQueueIsAsTheKernelCounts() throws {
        // 10 messages of 8 KiB: the kernel of Linux 6 counts 82,880 bytes, so nine fit the usual limit.
        #expect(819_200 / QueueLimits.posixMemory(depth: 10, messageBytes: 8192) == 9)
    }
}
