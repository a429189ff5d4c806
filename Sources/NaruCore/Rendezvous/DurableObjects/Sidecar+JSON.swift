// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import FoundationEssentials

extension Sidecar {
    /// The record in a file's bytes; `nil` where they are none, or one with values out of bounds.
    static func decode(_ bytes: [UInt8]) -> DurableRecord? {
        guard let record = try? JSONDecoder().decode(DurableRecord.self, from: Data(bytes)), record.isWellFormed else {
            return nil
        }
        return record
    }

    /// The bytes of a file: one line, keys in order.
    static func encode(_ record: DurableRecord) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // A record holds texts, integers and flags only: encoding it cannot fail.
        guard let data = try? encoder.encode(record) else { preconditionFailure("a record does not encode") }
        return Array(data) + [UInt8(ascii: "\n")]
    }

    /// Seconds since 1970, now.
    static func now() -> Int64 { Int64(Date().timeIntervalSince1970) }
}
