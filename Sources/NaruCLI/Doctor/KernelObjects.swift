// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem

/// The objects of the kernel that links are made of, each tried.
enum KernelObjects {
    /// One finding for each.
    static var findings: [Finding] {
        [
            tried("memfd", remedy: "allow memfd_create and its seals in the container's seccomp profile") {
                let file = try MemoryFile.create(name: "naru-doctor", byteCount: HostInformation.pageBytes)
                let mapping = try Mapping(
                    file, byteCount: HostInformation.pageBytes, access: .readWrite, prefault: true)
                try MemoryFile.seal(file, [.shrink, .grow, .futureWrite, .seal])
                withExtendedLifetime(mapping) {}
                return "memory without a name, sealed against change"
            },
            tried("futex", remedy: "allow futex in the container's seccomp profile") {
                let mapping = try Mapping(sharedAnonymousByteCount: HostInformation.pageBytes)
                defer { withExtendedLifetime(mapping) {} }
                // Safe: the word lies in the mapping, which lives until the call is over.
                let result = unsafe try Futex.wait(mapping.base, while: 1, deadline: .now)
                return "threads sleep on shared memory" + (result == .changed ? "" : " (answered \(result))")
            },
            tried("eventfd", remedy: "allow eventfd2 in the container's seccomp profile") {
                let counter = try EventCounter()
                counter.signal()
                return counter.drain() == 1 ? "bells between processes" : "made, but it does not count"
            },
            tried("pidfd", remedy: "run Linux 5.3 or newer, and allow pidfd_open in the seccomp profile") {
                let process = try ProcessHandle.open(ProcessIdentity.current.processID)
                let isWrong = ProcessHandle.hasExited(process)
                return isWrong ? "opened, but it tells nothing" : "the death of a peer is seen at once"
            },
        ]
    }

    /// What `attempt` tells, or why it failed.
    private static func tried(_ subject: String, remedy: String, _ attempt: () throws -> String) -> Finding {
        do {
            return Finding(subject, .ok, try attempt())
        } catch {
            return Finding(subject, .problem, "\(error)", remedy: remedy)
        }
    }
}
