// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem

/// What the host's limits on pipes mean for links over `pipe` and `fifo`, and what lifts each.
enum PipeChecks {
    /// The pipe that a link makes where the host permits it, bytes.
    private static let wanted = 262_144

    static func finding(_ limits: PipeLimits = .current()) -> Finding {
        let name = "pipes"
        let values: [(String, JSON)] = [
            ("pipeBytes", .optional(limits.pipeBytes)), ("softPages", .optional(limits.softPages)),
            ("hardPages", .optional(limits.hardPages)),
        ]
        guard let bytes = limits.pipeBytes, let soft = limits.softPages, let hard = limits.hardPages else {
            return Finding(
                name, .warning, "the host hides their limits (/proc/sys/fs/pipe-*)", remedy: "mount /proc",
                values: values)
        }
        var detail = "up to \(Format.bytes(UInt64(clamping: bytes))) each (fs.pipe-max-size)"
        if soft > 0 {
            let each = max(1, min(wanted, bytes) / HostInformation.pageBytes)
            detail +=
                ", \(soft) pages for all of a user's (fs.pipe-user-pages-soft): \(soft / each) of "
                + "\(Format.bytes(UInt64(min(wanted, bytes)))), then smaller ones"
        } else {
            detail += ", no limit on a user's"
        }
        if hard > 0 { detail += ", none beyond \(hard) pages (fs.pipe-user-pages-hard)" }
        guard bytes >= wanted else {
            return Finding(
                name, .warning, detail + ": links' pipes stay below \(Format.bytes(UInt64(wanted)))",
                remedy: "raise fs.pipe-max-size", values: values)
        }
        return Finding(name, .ok, detail, values: values)
    }
}
