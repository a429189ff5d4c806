// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import NaruSystem

@Suite struct ControlGroupTests {
    private func memory(_ groups: String, _ files: [String: String]) -> ControlGroup.Memory? {
        ControlGroup.memory(groups: groups) { files[$0] }
    }

    @Test func `version 2: the tightest of a group and those above it`() {
        let files = [
            "/sys/fs/cgroup/a/memory.max": "1000\n", "/sys/fs/cgroup/a/memory.current": "900\n",
            "/sys/fs/cgroup/a/b/memory.max": "max\n", "/sys/fs/cgroup/a/b/memory.current": "10\n",
        ]
        #expect(memory("0::/a/b\n", files) == .init(limit: 1000, used: 900))
    }

    @Test func `version 1: the memory controller's line`() {
        let files = [
            "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "5000\n",
            "/sys/fs/cgroup/memory/x/memory.usage_in_bytes": "7\n",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        ]
        #expect(memory("5:cpu,cpuacct:/y\n4:memory:/x\n0::/\n", files) == .init(limit: 5000, used: 7))
    }

    @Test(arguments: ["", "garbage", "0::/", "4:memory:/../.."])
    func `no limit is none`(groups: String) {
        #expect(memory(groups, ["/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712"]) == nil)
    }
}
