// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem

/// What the host's numbers mean for links.
enum HostChecks {
    /// The kernel's release: what Naru uses came with 5.3, what it uses where it is there with 6.5.
    static func kernel(_ release: String) -> Finding {
        let numbers = release.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
        let values: [(String, JSON)] = [("release", .string(release))]
        guard numbers.count == 2 else { return Finding("kernel", .ok, "Linux \(release)", values: values) }
        let version = (numbers[0], numbers[1])
        if version < (5, 3) {
            return Finding(
                "kernel", .problem, "Linux \(release): no handles of processes, no seal against later writers",
                remedy: "run Linux 5.3 or newer", values: values)
        }
        let note = version < (6, 5) ? ": how a peer ended is learned by its process number" : ""
        return Finding("kernel", .ok, "Linux \(release)\(note)", values: values)
    }

    /// The cores this process may run on.
    static func cores(_ count: Int, model: String) -> Finding {
        let values: [(String, JSON)] = [("count", .integer(count)), ("model", .string(model))]
        guard count > 1 else {
            return Finding(
                "cores", .warning, "1, \(model): nothing spins, every message that wakes an end costs a switch",
                remedy: "allow this process more than one core", values: values)
        }
        return Finding("cores", .ok, "\(count), \(model)", values: values)
    }

    /// The limit of open descriptors.
    static func descriptors(_ limit: (soft: UInt64, hard: UInt64)) -> Finding {
        let values: [(String, JSON)] = [("soft", number(limit.soft)), ("hard", number(limit.hard))]
        let detail = "\(shown(limit.soft)), at most \(shown(limit.hard))"
        guard limit.soft >= 256 else {
            return Finding(
                "open descriptors", .warning, "\(detail): a link takes several",
                remedy: "raise the limit with `ulimit -n`", values: values)
        }
        return Finding("open descriptors", .ok, detail, values: values)
    }

    /// Size and free space of the file system for named shared memory.
    static func sharedMemory(path: String = "/dev/shm") -> Finding {
        let free: UInt64
        do {
            free = try FileSystem.freeSpace(path)
        } catch {
            return Finding(
                path, .warning, "\(error.message): no named shared memory; memory without a name works",
                remedy: "mount a tmpfs there", values: [("size", .null), ("free", .null)])
        }
        let size = tmpfsSize(of: path, mounts: text("/proc/self/mounts"), memory: totalMemory)
        let values: [(String, JSON)] = [("size", size.map(number) ?? .null), ("free", number(free))]
        let detail = (size.map { "\(Format.bytes($0)), " } ?? "") + "\(Format.bytes(free)) free"
        guard free >= 16 << 20 else {
            return Finding(
                path, .warning, detail, remedy: "free space there, or give the container more with --shm-size",
                values: values)
        }
        return Finding(path, .ok, detail, values: values)
    }

    /// The memory that the control group leaves.
    static func memory(_ memory: ControlGroup.Memory?) -> Finding {
        guard let memory else {
            return Finding(
                "memory limit", .ok, "none from a control group", values: [("limit", .null), ("used", .null)])
        }
        let left = memory.limit - min(memory.used, memory.limit)
        let values: [(String, JSON)] = [("limit", number(memory.limit)), ("used", number(memory.used))]
        let detail = "\(Format.bytes(memory.limit)) for the control group, \(Format.bytes(left)) left"
        guard left >= 64 << 20 else {
            return Finding(
                "memory limit", .warning, "\(detail): going over it is a kill, not an error",
                remedy: "raise the control group's limit", values: values)
        }
        return Finding("memory limit", .ok, detail, values: values)
    }

    /// The limit of locked memory; Naru locks none, a program that wants its rings never swapped does.
    static func lockedMemory() -> Finding {
        let limit = lockedLimit(text("/proc/self/limits"))
        return Finding(
            "locked memory", .ok, limit.map { $0 == .max ? "no limit" : "at most \(Format.bytes($0))" } ?? "unknown",
            values: [("limit", limit.map(number) ?? .null)])
    }

    /// The limits of System V semaphores: Naru's are sets of one.
    static func semaphores(_ limits: SystemVSemaphore.Limits?) -> Finding {
        let subject = "semaphores"
        let remedy = "raise kernel.sem with sysctl (SEMMSL SEMMNS SEMOPM SEMMNI), or remove sets that nobody uses"
        guard let limits else {
            return Finding(
                subject, .warning, "the kernel has none, or hides their limits", remedy: "mount /proc",
                values: [("sets", .null), ("used", .null)])
        }
        let most = min(limits.sets, limits.semaphores)
        let values: [(String, JSON)] = [("sets", .integer(most)), ("used", .integer(limits.setsInUse))]
        let detail =
            "\(limits.setsInUse) of \(most) sets in use; each counts to \(SystemVSemaphore.maximumValue), "
            + "which nothing lifts"
        guard limits.setsInUse < most - most / 16 else {
            return Finding(subject, .warning, detail, remedy: remedy, values: values)
        }
        return Finding(subject, .ok, detail, values: values)
    }

    // MARK: What the kernel's files say

    /// The size that a tmpfs was mounted with; half of the memory where the mount names none.
    static func tmpfsSize(of path: String, mounts: String, memory: UInt64?) -> UInt64? {
        let mount = mounts.split(separator: "\n").last { line in
            let fields = line.split(separator: " ")
            return fields.count > 3 && fields[1] == path && fields[2] == "tmpfs"
        }
        guard let options = mount?.split(separator: " ")[3].split(separator: ",") else { return nil }
        guard let size = options.first(where: { $0.hasPrefix("size=") })?.dropFirst(5) else {
            return memory.map { $0 / 2 }
        }
        let units: [Character: UInt64] = ["k": 1 << 10, "m": 1 << 20, "g": 1 << 30]
        guard let unit = size.last.flatMap({ units[$0] }) else { return UInt64(size) }
        return UInt64(size.dropLast()).flatMap { number in
            let (bytes, overflow) = number.multipliedReportingOverflow(by: unit)
            return overflow ? nil : bytes
        }
    }

    /// The soft limit of locked memory in bytes; the greatest number for no limit.
    static func lockedLimit(_ limits: String) -> UInt64? {
        let name = "Max locked memory"
        guard let line = limits.split(separator: "\n").first(where: { $0.hasPrefix(name) }),
            let soft = line.dropFirst(name.count).split(separator: " ").first
        else { return nil }
        return soft == "unlimited" ? .max : UInt64(soft)
    }

    private static var totalMemory: UInt64? {
        let line = text("/proc/meminfo").split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { UInt64($0) }.map { $0 << 10 }
    }

    private static func text(_ path: String) -> String {
        String(decoding: (try? FileSystem.readSmallFile(path, limit: 1 << 20)) ?? [], as: UTF8.self)
    }

    private static func shown(_ limit: UInt64) -> String { limit > 1 << 62 ? "unlimited" : "\(limit)" }

    /// A number for JSON; `null` for what stands for no limit.
    private static func number(_ value: UInt64) -> JSON { value > 1 << 62 ? .null : .integer(Int(value)) }
}
