// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Which host, and which part of it, a process runs in.
///
/// Two processes with equal identities very likely share a host, and the namespaces that are equal: a hint, not a
/// proof.
public struct HostIdentity: Sendable, Hashable, Codable {
    /// A random text of this start of the host; empty where it is hidden, and then it says nothing.
    public let bootID: String
    /// The kernel's name of each namespace by kind (`ipc`, `mnt`, `net`, `pid`, `user`, `uts`, `cgroup`), as
    /// `ipc:[4026531839]`; without those that cannot be read.
    public let namespaces: [String: String]

    /// An identity that was received.
    public init(bootID: String, namespaces: [String: String]) {
        self.bootID = bootID
        self.namespaces = namespaces
    }

    /// Whether both may run on one host: `false` only where both know their host's start and the two differ. One that
    /// is hidden, as in a sandbox without `/proc`, is no evidence of another host.
    public func mayShareHost(with other: HostIdentity) -> Bool {
        bootID.isEmpty || other.bootID.isEmpty || bootID == other.bootID
    }

    /// Of this process, read anew.
    public static func current() -> HostIdentity {
        let boot = (try? FileSystem.readSmallFile("/proc/sys/kernel/random/boot_id", limit: 128)) ?? []
        var namespaces: [String: String] = [:]
        for kind in ["ipc", "mnt", "net", "pid", "user", "uts", "cgroup"] {
            namespaces[kind] = try? FileSystem.readLink("/proc/self/ns/\(kind)")
        }
        return HostIdentity(
            bootID: String(decoding: boot.prefix { $0 > UInt8(ascii: " ") }, as: UTF8.self), namespaces: namespaces)
    }
}
