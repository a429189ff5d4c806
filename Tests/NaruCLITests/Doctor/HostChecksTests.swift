// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import NaruCLI
@testable import NaruSystem

@Suite struct HostChecksTests {
    @Test(arguments: [
        ("6.18.44-custom", Finding.Status.ok), ("6.1.0", .ok), ("5.3", .ok), ("5.2.21", .problem), ("4.19.0", .problem),
        ("unknown", .ok),
    ])
    func `an old kernel is a problem with a remedy`(release: String, status: Finding.Status) {
        let finding = HostChecks.kernel(release)
        #expect(finding.status == status)
        #expect((finding.remedy != nil) == (status != .ok))
    }

    @Test func `one core is worth a warning`() {
        #expect(HostChecks.cores(1, model: "m").status == .warning)
        #expect(HostChecks.cores(2, model: "m").status == .ok)
    }

    @Test func `few descriptors are worth a warning, no limit is not a number`() {
        #expect(HostChecks.descriptors((100, 100)).status == .warning)
        let finding = HostChecks.descriptors((1024, .max))
        #expect(finding.detail == "1024, at most unlimited")
        #expect(finding.json.line.hasSuffix(#""soft":1024,"hard":null}"#))
    }

    @Test func `nearly all semaphores in use are worth a warning with what lifts it`() {
        func finding(_ used: Int) -> Finding {
            HostChecks.semaphores(
                SystemVSemaphore.Limits(semaphoresOfSet: 250, semaphores: 32000, sets: 128, setsInUse: used))
        }
        #expect(finding(3).status == .ok)
        #expect(finding(3).detail.hasPrefix("3 of 128 sets in use; each counts to 32767"))
        #expect(finding(125).status == .warning)
        #expect(finding(125).remedy?.contains("kernel.sem") == true)
        #expect(HostChecks.semaphores(nil).status == .warning)
    }

    @Test func `little memory left is worth a warning`() {
        #expect(HostChecks.memory(nil).status == .ok)
        #expect(HostChecks.memory(ControlGroup.Memory(limit: 1 << 30, used: 1 << 20)).status == .ok)
        #expect(HostChecks.memory(ControlGroup.Memory(limit: 1 << 30, used: (1 << 30) + 1)).status == .warning)
    }

    @Test(arguments: [
        ("tmpfs /dev/shm tmpfs rw,size=64k 0 0", 65_536), ("shm /dev/shm tmpfs rw,size=2m,inode64 0 0", 2 << 20),
        ("x /dev/shm tmpfs rw 0 0", 500), ("x /dev/shm ext4 rw 0 0", nil), ("", nil), ("x /dev/shm", nil),
        ("x /dev/shm tmpfs size=99999999999999999g 0 0", nil),
    ])
    func `the size of a tmpfs is its mount's, else half of the memory`(mounts: String, size: UInt64?) {
        #expect(HostChecks.tmpfsSize(of: "/dev/shm", mounts: "proc /proc proc rw 0 0\n" + mounts, memory: 1000) == size)
    }

    @Test func `the limit of locked memory is read from the kernel's table`() {
        let head = "Limit                     Soft Limit           Hard Limit           Units     \n"
        #expect(HostChecks.lockedLimit(head + "Max locked memory         8388608   8388608   bytes\n") == 8_388_608)
        #expect(HostChecks.lockedLimit(head + "Max locked memory         unlimited unlimited bytes\n") == .max)
        #expect(HostChecks.lockedLimit(head) == nil)
    }
}
