// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// The other end of ``Links``.
enum HostileLinks {
    /// The most changes to one link's memory.
    private static let flips = 200_000

    static func send(_ folder: String, _ count: Int) async throws {
        let runtime = try Links.makeRuntime(folder)
        for number in 0..<count {
            let sender = try await runtime.sender(Links.address)
            defer { sender.close() }
            guard let memory = try Memory.own() else { throw Complaint(description: "no ring is mapped") }
            var dice = Dice(UInt64(number) + 1)
            do {
                // A link as it should be, at first.
                for _ in 0..<dice.roll(40) { try await sender.send(message(&dice)) }
                for flip in 0..<flips {
                    Flips.data(memory, &dice)
                    if flip % 32 == 0 {
                        let message = message(&dice)
                        _ = unsafe try sender.trySend(message.span.bytes)
                    }
                }
            } catch {}
        }
        let sender = try await runtime.sender(Links.address)
        for number in 0..<Links.honestMessages { try await sender.send(HonestMessage.make(number)) }
        try await sender.finish()
        sender.close()
        runtime.shutdown()
    }

    static func receive(_ folder: String, _ count: Int) async throws {
        let runtime = try Links.makeRuntime(folder)
        for number in 0..<count {
            let receiver = try await runtime.receiver(Links.address)
            defer { receiver.close() }
            guard let memory = try Memory.own() else { throw Complaint(description: "no ring is mapped") }
            var dice = Dice(UInt64(number) + 1)
            do {
                for _ in 0..<dice.roll(40) { _ = try await receiver.next() }
                for flip in 0..<flips {
                    if flip % 32 == 0 { _ = try receiver.drain(max: 4) { _ in } }
                    Flips.control(memory, &dice)
                }
            } catch _ as NaruError {}
        }
        let receiver = try await runtime.receiver(Links.address)
        try await receiver.forEach { _ in }
        receiver.close()
        runtime.shutdown()
    }

    private static func message(_ dice: inout Dice) -> [UInt8] {
        [UInt8](repeating: UInt8(dice.roll(256)), count: dice.roll(dice.roll(4) == 0 ? 20_000 : 300))
    }
}
