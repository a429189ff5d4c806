// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// The programs of the sweep: each one end of something, from its beginning to its end.
///
///     party ROLE LINK TRANSPORT LEDGER [NUMBER]
///
/// A transport with `+zstd` behind it compresses; one with `@tcp` is used by ends that meet at a TCP address. What
/// happened is in the ledger.
struct Party: Sendable {
    let role: String
    let link: String
    let transport: String
    let ledgerPath: String
    let ledger: Ledger
    let number: Int

    init(_ arguments: [String]) throws {
        guard arguments.count >= 4 else { throw Misuse() }
        (role, link, transport, ledgerPath) = (arguments[0], arguments[1], arguments[2], arguments[3])
        number = arguments.count > 4 ? Int(arguments[4]) ?? 0 : 0
        // The first file that this process creates: from here on its calls are fault points.
        ledger = try Ledger(path: ledgerPath)
    }

    func run() async {
        ledger.reach(.opening)
        do {
            let naru = try await Naru()
            try await run(naru)
            await naru.shutdown()
            ledger.finish()
        } catch let error as NaruError {
            ledger.fail("\(error.code) \(error)")
        } catch {
            ledger.fail("other \(error)")
        }
    }

    private func run(_ naru: Naru) async throws {
        switch role {
        case "send", "receive", "hold-loan", "hold-view": try await Streams.run(self, naru)
        case "parent-send", "parent-receive", "child-send", "child-receive": try await Families.run(self, naru)
        case "queue-send", "queue-receive", "queue-stop", "queue-remove": try await Queues.run(self, naru)
        case "permits", "permits-hold", "permits-try", "signal-post", "signal-wait":
            try await Semaphores.run(self, naru)
        case "tidy": try tidy(naru)
        default: throw Misuse()
        }
    }

    /// The settings of the link.
    func settings(_ naru: Naru) throws -> LinkSettings {
        var settings = try naru.settings(for: link)
        let words = transport.prefix { $0 != "@" }.split(separator: "+").map(String.init)
        try settings.set("transports", to: .list([words[0]]), source: "sweep")
        try settings.set("compression", to: .text(words.count > 1 ? words[1] : "off"), source: "sweep")
        return settings
    }

    /// Says that it holds something, and waits to be killed.
    func hold() throws {
        ledger.reach(.held)
        let input = Descriptor(adopting: 0)
        _ = try input.poll(.readable, deadline: .after(.seconds(60)))
    }

    /// Removes what is dead, durable things too where the number is not 0, as `naru clean` does; counts it.
    private func tidy(_ naru: Naru) throws {
        var removed: UInt64 = 0
        for object in naru.runtime.namedObjects() {
            guard case .dead = object.state, number != 0 || !object.isDurable else { continue }
            if try naru.runtime.remove(object) { removed += 1 }
        }
        ledger.note(removed)
    }
}

/// The messages: number and size follow from each other, so that a receiver knows what must come.
enum Message {
    /// How many a sender sends.
    static let count: UInt64 = 12

    static func byteCount(_ number: UInt64) -> Int {
        switch number {
        case 5: 100_000
        case 9: 5_000
        default: 16 + Int(number * 31 % 200)
        }
    }

    static func make(_ number: UInt64, of sender: Int = 0) -> [UInt8] {
        var bytes = [UInt8](repeating: UInt8(number), count: byteCount(number))
        bytes[0] = UInt8(number)
        bytes[1] = UInt8(sender)
        return bytes
    }

    /// Number and sender of a message; `nil` for what none of this program has sent.
    static func read(_ bytes: RawSpan) -> (number: UInt64, sender: Int)? {
        guard bytes.byteCount >= 16 else { return nil }
        let copy = [UInt8](copying: bytes)
        let (number, sender) = (UInt64(copy[0]), Int(copy[1]))
        guard number > 0, number <= count, sender < 2, copy.count == byteCount(number),
            copy[2...].allSatisfy({ $0 == UInt8(number) })
        else { return nil }
        return (number, sender)
    }
}

/// A message that is not the one expected.
struct WrongMessage: Error {
    var expected: UInt64
}

/// The program was not called as it must be.
struct Misuse: Error {}
