// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import ArgumentParser

/// A number of bytes on the command line: `4096`, `64KiB`, `1MiB`, `1GiB`.
struct ByteCount: ExpressibleByArgument, Hashable {
    /// The number, from 1 to ``maximum``.
    let bytes: Int

    /// The greatest that is taken: 1 TiB, as for a link.
    static let maximum = 1 << 40

    /// A number that is in range.
    init(_ bytes: Int) { self.bytes = bytes }

    /// Parses a number with or without a unit; `nil` for anything else and for what is out of range.
    init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        let unit: Int
        switch argument.dropFirst(digits.count).lowercased() {
        case "", "b": unit = 1
        case "kib": unit = 1 << 10
        case "mib": unit = 1 << 20
        case "gib": unit = 1 << 30
        default: return nil
        }
        guard let number = Int(digits) else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit)
        guard !overflow, (1...Self.maximum).contains(bytes) else { return nil }
        self.bytes = bytes
    }
}
