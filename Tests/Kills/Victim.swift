// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// The end that will be killed: it sends, or receives, until then.
enum Victim {
    static func run(_ arguments: [String]) async throws {
        guard arguments.count == 6 else { throw Misuse() }
        let ledger = try Ledger(path: arguments[5])
        let address = Address.local(name: arguments[1])
        let request = LinkRequest(
            requirements: Requirements(
                transports: [TransportName(rawValue: arguments[2])].compactMap { $0 },
                wait: WaitMode(rawValue: arguments[3]) ?? .balanced),
            compression: .off)
        let naru = try await Naru()
        ledger.reach(.meeting)
        switch (arguments[0], arguments[4]) {
        case ("send", "async"):
            let sender = try await naru.runtime.sender(address, request)
            ledger.reach(.linked)
            try await send(sender, ledger)
        case ("send", _):
            try await onThread {
                let sender = try naru.runtime.blocking.sender(address, request)
                ledger.reach(.linked)
                try sendBlocking(sender, ledger)
            }
        case (_, "async"):
            let receiver = try await naru.runtime.receiver(address, request)
            ledger.reach(.linked)
            var taken: UInt64 = 0
            try await receiver.forEach { try take($0, &taken, ledger) }
        default:
            try await onThread {
                let receiver = try naru.runtime.blocking.receiver(address, request)
                ledger.reach(.linked)
                var taken: UInt64 = 0
                try receiver.blocking.forEach { try take($0, &taken, ledger) }
            }
        }
    }

    private static func send(_ sender: Sender, _ ledger: Ledger) async throws {
        var number: UInt64 = 0
        while true {
            number += 1
            try await sender.send(Message.make(number))
            guard number.isMultiple(of: 8) else { continue }
            // Only what was flushed is handed over and survives this process: lanes may gather.
            try await sender.flush()
            ledger.note(number)
        }
    }

    private static func sendBlocking(_ sender: Sender, _ ledger: Ledger) throws {
        var number: UInt64 = 0
        while true {
            number += 1
            try sender.blocking.send(Message.make(number))
            guard number.isMultiple(of: 8) else { continue }
            try sender.blocking.flush()
            ledger.note(number)
        }
    }

    private static func take(_ message: MessageView, _ taken: inout UInt64, _ ledger: Ledger) throws {
        guard Message.isRight(message.bytes, taken + 1) else {
            ledger.noteWrong(taken + 1)
            throw Misuse()
        }
        taken += 1
        ledger.note(taken)
    }
}

/// The program was not called as it must be, or a message was not the one expected.
struct Misuse: Error {}

/// Runs what blocks on a thread of its own.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        do {
            _ = try SystemThread(name: "kills") { continuation.resume(with: Swift.Result { try body() }) }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}
