// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What the control groups of this process permit.
public enum ControlGroup {
    /// The tightest limit of memory, and what is used of it, in bytes.
    public struct Memory: Sendable, Equatable {
        /// What the group may use, bytes.
        public var limit: UInt64
        /// What it uses, bytes.
        public var used: UInt64
    }

    /// The tightest limit of this process's group and those above it; `nil` where there is none.
    public static func memory() -> Memory? {
        memory(groups: text("/proc/self/cgroup") ?? "", read: text)
    }

    /// - Parameters:
    ///   - groups: the content of `/proc/self/cgroup`.
    ///   - read: gives the text of a file, `nil` where it cannot be read.
    static func memory(groups: String, read: (String) -> String?) -> Memory? {
        var tightest: Memory?
        for line in groups.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            // Version 2 has one line without controllers; version 1 a line for each.
            let isUnified = fields[1].isEmpty
            guard isUnified || fields[1].split(separator: ",").contains("memory") else { continue }
            let root = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
            for folder in folders(root: root, group: fields[2]) {
                guard
                    let limit = number(read(folder + (isUnified ? "/memory.max" : "/memory.limit_in_bytes"))),
                    // The greatest number that version 1 can hold means no limit.
                    limit < 1 << 60, limit < tightest?.limit ?? .max
                else { continue }
                let used = number(read(folder + (isUnified ? "/memory.current" : "/memory.usage_in_bytes")))
                tightest = Memory(limit: limit, used: used ?? 0)
            }
        }
        return tightest
    }

    /// The group's folder and those above it, up to the root.
    private static func folders(root: String, group: Substring) -> [String] {
        var folders = [root]
        for part in group.split(separator: "/") where part != ".." {
            folders.append(folders[folders.count - 1] + "/" + part)
        }
        return folders
    }

    private static func number(_ text: String?) -> UInt64? {
        text.flatMap { UInt64($0.prefix { $0.isNumber }) }
    }

    private static func text(_ path: String) -> String? {
        (try? FileSystem.readSmallFile(path, limit: 1 << 16)).map { String(decoding: $0, as: UTF8.self) }
    }
}
