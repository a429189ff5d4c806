// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// How numbers read.
enum Format {
    /// "0 B", "1023 B", "64.0 KiB", "1.5 GiB".
    static func bytes(_ count: UInt64) -> String {
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        guard count >= 1024 else { return "\(count) B" }
        var value = Double(count) / 1024
        var unit = 0
        while value >= 1023.95, unit + 1 < units.count {
            value /= 1024
            unit += 1
        }
        return "\(decimal(value, digits: 1)) \(units[unit])"
    }

    /// "12.3 MB/s", "1234 MB/s": millions of bytes in a second.
    static func rate(_ bytes: UInt64, seconds: Double) -> String {
        guard seconds > 0 else { return "- MB/s" }
        let rate = Double(bytes) / seconds / 1e6
        return "\(decimal(rate, digits: rate < 99.95 ? 1 : 0)) MB/s"
    }

    /// "1 message", "16 messages".
    static func count(_ count: UInt64, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }

    /// A number from 0 to a quintillion with so many digits behind the point.
    static func decimal(_ value: Double, digits: Int) -> String {
        var unit = 1
        for _ in 0..<digits { unit *= 10 }
        let scaled = (max(value, 0) * Double(unit)).rounded()
        guard scaled < 1e18 else { return "many" }
        let whole = Int(scaled)
        guard digits > 0 else { return "\(whole)" }
        let fraction = String(whole % unit)
        return "\(whole / unit)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
