// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import CIntegrationPeer
import Naru
import NaruSystem

/// Ends whose thread is interrupted by a signal a thousand times a second while it connects, sends, receives and waits.
/// Prints `linked TRANSPORT`, then `finished COUNT` when it was interrupted often enough.
enum Interrupted {
    private static let enough: UInt64 = 800
    private static let sizes = [8, 300, 5000, 200_000]

    static func send(_ link: String) async throws {
        let naru = try await Naru()
        try await onInterruptedThread {
            let sender = try naru.blocking.sender(link)
            Peer.report("linked \(sender.transport)")
            var number: UInt64 = 0
            while number < 1000 || peer_interruptions() < enough {
                number += 1
                var message = [UInt8](repeating: 0, count: sizes[Int(number) % sizes.count])
                Contents.fill(&message, number)
                try sender.blocking.send(message)
            }
            try sender.blocking.finish()
            Peer.report("finished \(number)")
        }
        await naru.shutdown()
    }

    static func receive(_ link: String) async throws {
        let naru = try await Naru()
        try await onInterruptedThread {
            let receiver = try naru.blocking.receiver(link)
            Peer.report("linked \(receiver.transport)")
            var taken: UInt64 = 0
            try receiver.blocking.forEach { message in
                guard Contents.isRight(message.bytes, taken + 1) else { throw WrongMessage(number: taken + 1) }
                taken += 1
            }
            guard peer_interruptions() >= enough / 4 else { throw TooQuiet(interruptions: peer_interruptions()) }
            Peer.report("finished \(taken)")
        }
        await naru.shutdown()
    }

    private struct TooQuiet: Error {
        var interruptions: UInt64
    }

    private static func onInterruptedThread(_ body: @escaping @Sendable () throws -> Void) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            do {
                _ = try SystemThread(name: "interrupted") {
                    continuation.resume(
                        with: Result {
                            let result = peer_interrupt_this_thread(1000)
                            if result != 0 { throw NotInterrupted(errno: -result) }
                            try body()
                        })
                }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    private struct NotInterrupted: Error {
        var errno: Int32
    }
}
