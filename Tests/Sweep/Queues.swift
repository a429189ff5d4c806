// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// Users of a shared queue.
enum Queues {
    /// A message of this size ends a receiver.
    private static let stop: [UInt8] = [0]

    static func run(_ party: Party, _ naru: Naru) async throws {
        let settings = try party.settings(naru)
        switch party.role {
        case "queue-send": try await send(try await naru.queueSender(settings), party)
        case "queue-stop":
            let sender = try await naru.queueSender(settings)
            try await sender.send(stop)
            try await sender.finish()
            sender.close()
        case "queue-remove": party.ledger.note(try naru.removeQueue(party.link) ? 1 : 0)
        default: try await receive(try await naru.queueReceiver(settings), party)
        }
    }

    /// All messages, of the sender that `party.number` says.
    private static func send(_ sender: Sender, _ party: Party) async throws {
        party.ledger.reach(.open)
        for number in 1...Message.count {
            try await sender.send(Message.make(number, of: party.number))
            try await sender.flush()
            party.ledger.note(number)
        }
        try await sender.finish()
        sender.close()
    }

    /// Until there have been so many, or the end is said where `party.number` is 0.
    private static func receive(_ receiver: Receiver, _ party: Party) async throws {
        party.ledger.reach(.open)
        var taken: UInt64 = 0
        while party.number == 0 || taken < party.number {
            let message = try await receiver.receive { message -> (number: UInt64, sender: Int)? in
                if message.bytes.byteCount == stop.count { return (0, 0) }
                return Message.read(message.bytes)
            }
            guard let message = message ?? nil else { throw WrongMessage(expected: 0) }
            if message.number == 0 { break }
            guard party.ledger.mask(message.sender) & 1 << message.number == 0 else {
                throw WrongMessage(expected: message.number + 1)
            }
            party.ledger.note(message.number, of: message.sender)
            taken += 1
            party.ledger.note(taken)
        }
        receiver.close()
    }
}
