// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru

/// A worker: answers each number with its square, until the parent has no more.
enum Worker {
    /// - Parameter retiresAfter: after how many answers it leaves with code 3.
    /// - Returns: the exit code.
    static func run(retiresAfter: Int?) async throws -> Int32 {
        let naru = try await Naru()
        // The parent started this process with the link: no name, no path, nobody else.
        let channel = try await naru.channel("inherited:work")
        var answers = 0
        while let job = try await channel.receive({ UInt64(littleEndianBytes: $0.bytes) }) {
            try await channel.send([UInt8](job &* job))
            answers += 1
            if answers == retiresAfter {
                // Handed over, an answer survives this process.
                try await channel.sender.flush()
                return 3
            }
        }
        channel.close()
        await naru.shutdown()
        return 0
    }
}

extension UInt64 {
    /// A number from a message of eight bytes; 0 from any other.
    init(littleEndianBytes bytes: RawSpan) {
        self = bytes.byteCount == 8 ? UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(as: UInt64.self)) : 0
    }
}

extension [UInt8] {
    /// A message of eight bytes.
    init(_ number: UInt64) {
        self = (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
    }
}
