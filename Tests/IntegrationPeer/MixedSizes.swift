// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// Messages of every size up to a limit, each of which says what it must hold: sizes around the bounds of what rings
/// and slots carry among random ones, sent as copies and as loans in turn, and every word checked.
enum MixedSizes {
    private static let bounds = [
        0, 1, 8191, 8192, 8193, 262_144, 1_048_575, 1_048_576, 1_048_577, 2_097_152, 2_097_153, 4_194_304,
    ]

    private static func byteCount(_ number: Int, _ limit: Int) -> Int {
        if number % 3 == 0 { return min(bounds[number / 3 % bounds.count], limit) }
        return number % 3 == 1 ? Int(hash(UInt64(number)) % UInt64(limit + 1)) : Int(hash(UInt64(number)) % 5000)
    }

    private static func hash(_ value: UInt64) -> UInt64 {
        var z = value &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        return z ^ (z >> 31)
    }

    /// Writes a message in words that follow from its number and their place, and the rest in bytes.
    private static func fill(_ span: inout MutableRawSpan, _ number: Int) {
        let seed = hash(UInt64(number) &+ 1)
        unsafe span.withUnsafeMutableBytes { bytes in
            var offset = 0
            while offset + 8 <= bytes.count {
                unsafe bytes.storeBytes(of: seed &+ UInt64(offset), toByteOffset: offset, as: UInt64.self)
                offset += 8
            }
            while offset < bytes.count {
                unsafe bytes[offset] = UInt8(truncatingIfNeeded: seed &+ UInt64(offset))
                offset += 1
            }
        }
    }

    private static func isRight(_ span: RawSpan, _ number: Int, _ limit: Int) -> Bool {
        guard span.byteCount == byteCount(number, limit) else { return false }
        let seed = hash(UInt64(number) &+ 1)
        return unsafe span.withUnsafeBytes { bytes in
            var offset = 0
            while offset + 8 <= bytes.count {
                let word = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                if word != seed &+ UInt64(offset) { return false }
                offset += 8
            }
            while offset < bytes.count {
                if unsafe bytes[offset] != UInt8(truncatingIfNeeded: seed &+ UInt64(offset)) { return false }
                offset += 1
            }
            return true
        }
    }

    static func send(_ link: String, _ count: Int, _ limit: Int) async throws {
        let naru = try await Naru()
        let sender = try await naru.sender(link)
        Peer.report("linked \(sender.decision.chosen?.transport.rawValue ?? "none")")
        for number in 0..<count {
            let byteCount = byteCount(number, limit)
            if number % 2 == 0 {
                try await sender.withLoan(byteCount: byteCount) { fill(&$0, number) }
            } else {
                var message = [UInt8](repeating: 0, count: byteCount)
                var span = message.mutableSpan
                var bytes = unsafe span.mutableBytes
                fill(&bytes, number)
                try await sender.send(message)
            }
        }
        try await sender.finish()
        Peer.report("finished \(count)")
        sender.close()
        await naru.shutdown()
    }

    static func receive(_ link: String, _ count: Int, _ limit: Int) async throws {
        let naru = try await Naru()
        let receiver = try await naru.receiver(link)
        Peer.report("linked \(receiver.decision.chosen?.transport.rawValue ?? "none")")
        var taken = 0
        try await receiver.forEach { message in
            guard isRight(message.bytes, taken, limit) else { throw WrongMessage(number: UInt64(taken)) }
            taken += 1
        }
        Peer.report("finished \(taken)")
        receiver.close()
        await naru.shutdown()
    }
}
