// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// Ends that say where they found each other to be, and ends that only try.
enum Meeting {
    private static let count: UInt64 = 200

    /// Prints `linked TRANSPORT LOCALITY NAMESPACES`, sends some messages, and finishes.
    static func send(_ link: String) async throws {
        let naru = try await Naru()
        let sender = try await naru.sender(link)
        report(sender.control)
        var message = [UInt8](repeating: 0, count: 64)
        for number in 1...count {
            Contents.fill(&message, number)
            try await sender.send(message)
        }
        try await sender.finish()
        Peer.report("finished \(count)")
        await naru.shutdown()
    }

    /// The same, and checks what comes.
    static func receive(_ link: String) async throws {
        let naru = try await Naru()
        let receiver = try await naru.receiver(link)
        report(receiver.control)
        var taken: UInt64 = 0
        try await receiver.forEach { message in
            guard Contents.isRight(message.bytes, taken + 1) else { throw WrongMessage(number: taken + 1) }
            taken += 1
        }
        Peer.report("finished \(taken)")
        await naru.shutdown()
    }

    /// Dials for so long; prints `linked TRANSPORT LOCALITY NAMESPACES` if somebody answers.
    static func dial(_ link: String, milliseconds: Int) async throws {
        let naru = try await Naru()
        let sender = try await naru.sender(link, deadline: .after(.milliseconds(milliseconds)))
        report(sender.control)
        await naru.shutdown()
    }

    private static func report(_ control: EndpointControl) {
        let relation = control.agreement.relation
        let namespaces = relation.sharedNamespaces.joined(separator: ",")
        Peer.report("linked \(control.agreement.transport) \(relation.locality) \(namespaces)")
    }

    /// Listens on a name and leaves it, again and again, while others do; complains when two have it at once. Prints
    /// `finished COUNT`.
    static func contest(_ link: String, count: Int, mark: String) async throws {
        let naru = try await Naru()
        var held = 0
        while held < count {
            guard let listener = try take(link, naru) else { continue }
            // The kernel lets the lock go when its holder is killed.
            let mark = try FileSystem.open(mark, [.write, .create], permissions: 0o600)
            guard try mark.tryLock() else { throw TwoListeners() }
            mark.close()
            listener.close()
            held += 1
            if held == 1 { Peer.report("linked none") }
        }
        Peer.report("finished \(held)")
        await naru.shutdown()
    }

    /// A listener on a name, unless somebody else has it.
    private static func take(_ link: String, _ naru: Naru) throws -> Listener? {
        do {
            return try naru.listener(link)
        } catch {
            if error.code == .busy { return nil }
            throw error
        }
    }

    private struct TwoListeners: Error {}
}
