// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// Senders and receivers of links between two.
enum Streams {
    static func run(_ party: Party, _ naru: Naru) async throws {
        let settings = try party.settings(naru)
        let deadline = Deadline.after(.seconds(60))
        switch party.role {
        case "send": try await send(try await naru.sender(settings, deadline: deadline), party.ledger)
        case "hold-loan": try await holdLoan(try await naru.sender(settings, deadline: deadline), party)
        case "hold-view": try await holdView(try await naru.receiver(settings, deadline: deadline), party)
        default: try await receive(try await naru.receiver(settings, deadline: deadline), party.ledger)
        }
    }

    /// Four messages handed over, and half of the fifth written.
    private static func holdLoan(_ sender: Sender, _ party: Party) async throws {
        open(sender.control, party.ledger)
        for number in 1...4 as ClosedRange<UInt64> { try await sender.send(Message.make(number)) }
        try await sender.flush()
        party.ledger.note(4)
        try await sender.withLoan(byteCount: Message.byteCount(5)) { room in
            for offset in 0..<Message.byteCount(5) / 2 { room.storeBytes(of: 5, toByteOffset: offset, as: UInt8.self) }
            try party.hold()
        }
    }

    /// Two messages taken, and a view of the third.
    private static func holdView(_ receiver: Receiver, _ party: Party) async throws {
        open(receiver.control, party.ledger)
        var taken: UInt64 = 0
        try await receiver.forEach { message in
            guard Message.read(message.bytes)?.number == taken + 1 else { throw WrongMessage(expected: taken + 1) }
            if taken == 2 { try party.hold() }
            taken += 1
            party.ledger.note(taken)
        }
    }

    /// All messages, handed over by fours.
    static func send(_ sender: Sender, _ ledger: Ledger) async throws {
        open(sender.control, ledger)
        for number in 1...Message.count {
            try await sender.send(Message.make(number))
            guard number.isMultiple(of: 4) else { continue }
            try await sender.flush()
            ledger.note(number)
        }
        try await sender.finish()
        sender.close()
    }

    /// All messages, in order.
    static func receive(_ receiver: Receiver, _ ledger: Ledger) async throws {
        open(receiver.control, ledger)
        var taken: UInt64 = 0
        try await receiver.forEach { message in
            guard Message.read(message.bytes)?.number == taken + 1 else { throw WrongMessage(expected: taken + 1) }
            taken += 1
            ledger.note(taken)
        }
        receiver.close()
    }

    private static func open(_ control: EndpointControl, _ ledger: Ledger) {
        ledger.note(link: control.agreement.link.high)
        ledger.reach(.open)
    }
}

/// Parents and the children that they start with a link attached.
enum Families {
    static func run(_ party: Party, _ naru: Naru) async throws {
        let settings = try party.settings(naru)
        switch party.role {
        case "child-send": try await Streams.send(try await naru.sender(settings), party.ledger)
        case "child-receive": try await Streams.receive(try await naru.receiver(settings), party.ledger)
        default: try await lead(party, naru, settings)
        }
    }

    private static func lead(_ party: Party, _ naru: Naru, _ settings: LinkSettings) async throws {
        let sends = party.role == "parent-send"
        let child = try naru.start(
            ChildProgram(
                ChildProcess.executablePath,
                [
                    "party", sends ? "child-receive" : "child-send", party.link, party.transport,
                    party.ledgerPath + "-child",
                ], links: [party.link]))
        if sends {
            try await Streams.send(try await naru.sender(settings, to: child), party.ledger)
        } else {
            try await Streams.receive(try await naru.receiver(settings, from: child), party.ledger)
        }
        _ = try await child.waitForEnd(deadline: .after(.seconds(60)))
    }
}
