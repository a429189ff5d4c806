// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem
import Testing

/// The endpoints of a queue over the umbrella.
@Suite(.timeLimit(.minutes(2))) struct QueueTests {
    private let place: Place
    private let link = "test-\(String(SystemRandom.word(), radix: 36))"

    init() throws { place = try Place() }

    @Test(arguments: ["posix-queue", "sysv-queue"]) func aQueueHasManyEnds(_ transport: String) async throws {
        try place.write(#"{"links": {"\#(link)": {"transports": ["\#(transport)"], "maximumMessageBytes": 100000}}}"#)
        let (here, there) = (try await place.naru(), try await place.naru())
        let senders = [try await here.queueSender(link), try await there.queueSender(link)]
        for (index, sender) in senders.enumerated() {
            try await sender.send([UInt8](repeating: UInt8(index), count: 1 + index * 50_000))
            #expect(try await sender.finish() == .handedOver)
            #expect(sender.control.agreement.requirements.direction == .queue)
            #expect(sender.decision.chosen?.transport == TransportName(transport))
        }
        let receivers = [try await there.queueReceiver(link), try await here.queueReceiver(link)]
        for (index, receiver) in receivers.enumerated() {
            let found = try await receiver.receive(deadline: .after(.seconds(20))) { NaruTests.copy($0.bytes) }
            #expect(found == [UInt8](repeating: UInt8(index), count: 1 + index * 50_000))
        }
        #expect(try !here.removeQueue(link), "somebody has it open")
        for sender in senders { sender.close() }
        for receiver in receivers { receiver.close() }
        #expect(try here.removeQueue(link))
        #expect(try !here.removeQueue(link))
        await here.shutdown()
        await there.shutdown()
    }

    @Test func threadsHaveThemToo() async throws {
        let naru = try await place.naru()
        let link = link
        let thread = try SystemThread(name: "queue") {
            do {
                let sender = try naru.blocking.queueSender(link)
                let receiver = try naru.blocking.queueReceiver(link)
                try sender.blocking.send([5], label: MessageLabel())
                let found = try receiver.blocking.receive(deadline: .after(.seconds(20))) { NaruTests.copy($0.bytes) }
                #expect(found == [5])
            } catch {
                Issue.record("\(error)")
            }
        }
        thread.join()
        #expect(try naru.removeQueue(link))
        await naru.shutdown()
    }

    @Test func aLinkOfAnotherDirectionIsNoQueue() async throws {
        try place.write(#"{"links": {"\#(link)": {"direction": "duplex"}}}"#)
        let naru = try await place.naru()
        #expect(await failure { _ = try await naru.queueSender(link) }?.code == .invalidConfiguration)
        await naru.shutdown()
    }

    @Test func explainTellsWhatAQueueWouldUse() async throws {
        let naru = try await place.naru()
        var settings = try naru.settings(for: link)
        try settings.set("direction", to: .text("queue"), source: "test")
        #expect(naru.explain(settings).decision.chosen?.transport == .posixQueue)
        try settings.set("require", to: .list(["selective"]), source: "test")
        #expect(naru.explain(settings).decision.chosen?.transport == .sysvQueue)
        try settings.set("require", to: .list(["confirmed"]), source: "test")
        #expect(naru.explain(settings).decision.chosen == nil)
        await naru.shutdown()
    }
}
