// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// Ends of a shared queue. A message is its sender's id and its number, the SHA-256 of its payload, and the payload, of
/// random size from 0 to 1 MiB. Receivers print `took ID NUMBER` for each, and end with a message of 8 bytes that
/// nobody numbered.
enum Queues {
    private static let headerBytes = 40
    private static let stopID = UInt32.max

    private static func settings(_ naru: Naru, _ link: String, _ transport: String) throws -> LinkSettings {
        var settings = try naru.settings(for: link)
        try settings.set("transports", to: .list([transport]), source: "test")
        return settings
    }

    private static func header(_ id: UInt32, _ number: UInt32) -> [UInt8] {
        [id, number].flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
    }

    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Sends payloads of so many bytes together, and prints how many.
    static func send(_ link: String, transport: String, id: UInt32, byteCount: Int) async throws {
        let naru = try await Naru()
        let sender = try await naru.queueSender(try settings(naru, link, transport))
        Peer.report("linked \(sender.decision.chosen?.transport.rawValue ?? "none")")
        var state = UInt64(id) &* 0x9E37_79B9_7F4A_7C15 | 1
        func random() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 32
        }
        var left = byteCount
        var number: UInt32 = 0
        while left > 0 {
            let size = min(left, Int(random() % UInt64(1 << 20 - headerBytes + 1)))
            let payload = (0..<size).map { _ in UInt8(truncatingIfNeeded: random()) }
            try await sender.send(header(id, number) + Digest.sha256(payload) + payload)
            left -= max(size, 1)
            number += 1
        }
        let delivery = try await sender.finish()
        Peer.report("finished \(number) \(delivery)")
        sender.close()
        await naru.shutdown()
    }

    static func receive(_ link: String, transport: String) async throws {
        let naru = try await Naru()
        let receiver = try await naru.queueReceiver(try settings(naru, link, transport))
        Peer.report("linked \(receiver.decision.chosen?.transport.rawValue ?? "none")")
        var count = 0
        while true {
            let message = try await receiver.receive { [UInt8](copying: $0.bytes) } ?? []
            guard message.count >= headerBytes else { break }
            let (id, number) = (word(message[..<4]), word(message[4..<8]))
            guard Digest.sha256(Array(message[headerBytes...])) == Array(message[8..<headerBytes]) else {
                throw WrongMessage(number: UInt64(number))
            }
            Peer.report("took \(id) \(number)")
            count += 1
        }
        Peer.report("finished \(count)")
        receiver.close()
        await naru.shutdown()
    }

    /// Ends so many receivers.
    static func stop(_ link: String, transport: String, count: Int) async throws {
        let naru = try await Naru()
        let sender = try await naru.queueSender(try settings(naru, link, transport))
        for _ in 0..<count { try await sender.send(header(stopID, 0)) }
        try await sender.finish()
        sender.close()
        await naru.shutdown()
        Peer.report("finished \(count)")
    }

    static func remove(_ link: String) async throws {
        let naru = try await Naru()
        let isRemoved = try naru.removeQueue(link)
        await naru.shutdown()
        Peer.report(isRemoved ? "removed" : "left")
    }
}
