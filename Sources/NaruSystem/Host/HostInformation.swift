// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem

/// What this process can learn of its host and of itself.
public enum HostInformation {
    /// The effective user.
    public static var userID: UInt32 { naru_user_id() }

    /// Whether a number that the kernel gives a peer or a file is this process's own user.
    ///
    /// One number stands for every user that has none in this user namespace. Where there may be such users, that
    /// number is nobody's own, not even when this process goes by it.
    public static func isOwnUser(_ number: UInt32) -> Bool {
        guard number == userID else { return false }
        guard number == overflowUserID else { return true }
        let map = (try? FileSystem.readSmallFile("/proc/self/uid_map", limit: 1 << 16)).map(numbers) ?? []
        return namesEveryUser(map)
    }

    /// The number that stands for users without one, read once: it is the host's, and a link asks for it several times.
    private static let overflowUserID: UInt32 = {
        let text = (try? FileSystem.readSmallFile("/proc/sys/kernel/overflowuid", limit: 64)).map(numbers)
        return text?.first.map { UInt32(truncatingIfNeeded: $0) } ?? 65534
    }()

    /// Whether the lines of `/proc/self/uid_map`, three numbers each (first here, first outside, how many), leave no
    /// user without a number. Outside every user namespace there is one line, for 2^32 - 1 users.
    static func namesEveryUser(_ map: [UInt64]) -> Bool {
        var count: UInt64 = 0
        for index in stride(from: 2, to: map.count, by: 3) { count &+= map[index] }
        return count >= UInt64(UInt32.max)
    }

    private static func numbers(_ text: [UInt8]) -> [UInt64] {
        text.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }.map {
            UInt64(String(decoding: $0, as: UTF8.self)) ?? 0
        }
    }

    /// The size of a page of memory, in bytes.
    public static var pageBytes: Int { Int(naru_page_bytes()) }

    /// How many cores the host has online, at least 1, whatever this process may run on.
    public static var coreCount: Int { Int(naru_core_count()) }

    /// The kernel's release, such as `6.18.44`.
    public static var kernelRelease: String { hostText(0) }

    /// The host's name.
    public static var hostName: String { hostText(2) }

    /// The processor's model where the kernel names it, else the kind of machine, such as `aarch64`.
    public static var processorModel: String {
        var head = [UInt8](repeating: 0, count: 4096)
        var count = 0
        if let file = try? FileSystem.open("/proc/cpuinfo", .read) {
            // Safe: the buffer is the array's own.
            count = unsafe head.withUnsafeMutableBytes { (try? unsafe file.pread(into: $0, at: 0)) ?? 0 }
        }
        for line in String(decoding: head.prefix(count), as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].hasPrefix("model name") { return String(parts[1].drop { $0 == " " }) }
        }
        return hostText(1)
    }

    /// A variable of the environment; nil when it is not set. Like `getenv`, not safe while another thread sets one.
    public static func environment(_ name: String) -> String? {
        if name.utf8.contains(0) { return nil }
        // Safe: the text is copied at once.
        guard let value = unsafe naru_environment(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// The names of all variables of the environment. As ``environment(_:)``.
    public static func environmentNames() -> [String] {
        var names: [String] = []
        while let entry = unsafe naru_environment_entry(names.count) {
            names.append(String(unsafe String(cString: entry).prefix { $0 != "=" }))
        }
        return names
    }

    /// The working directory; empty when it was removed.
    public static var workingDirectory: String {
        unsafe text(capacity: 4096) { unsafe naru_working_directory($0, 4096) } ?? ""
    }

    /// How many descriptors this process may have: now, and after raising the limit itself.
    public static var descriptorLimit: (soft: UInt64, hard: UInt64) {
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        // Safe: the callee fills the two locals. It fails only for arguments that are not these.
        _ = unsafe naru_descriptor_limit(&soft, &hard)
        return (soft, hard)
    }

    private static func hostText(_ which: Int32) -> String {
        unsafe text(capacity: 256) { unsafe naru_host_text(which, $0, 256) } ?? ""
    }
}
