// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

extension Conformance {
    /// Links whose medium holds the agreement.
    static let attachedLines: [ConformanceLine] = [
        .link(
            "attached.keeps",
            "An end attaches by itself, whether there is another or not: what was handed over waits for who comes."
        ) { subject in
            try await AttachedBench.run(subject) { bench in
                let sender = try await bench.sender()
                let control = sender.control
                for index in 0..<3 { try await sender.send(Payload.bytes(index, 40), deadline: Limit.wait) }
                try await sender.flush(deadline: Limit.wait)
                sender.close()
                let receiver = try await bench.receiver()
                for index in 0..<3 { try await receiver.expect(index, 40) }
                try expectEqual(
                    receiver.control.agreement.link, control.agreement.link, "the link's id at the second end")
                try expectEqual(receiver.control.peer, nil, "the peer of a link that has none")
                receiver.close()
            }
        },
        .link(
            "attached.finish",
            "finish returns the weaker level that the medium gives; on a link of two the receiver hears of it."
        ) { subject in
            try await AttachedBench.run(subject) { bench in
                let sender = try await bench.sender()
                let receiver = try await bench.receiver()
                try await sender.send(Payload.bytes(0, 9), deadline: Limit.wait)
                for _ in 0..<2 {
                    let delivery = try await sender.finish(deadline: Limit.wait)
                    try expect(delivery != .taken, "finish() returns taken, and nobody has")
                }
                try await expectError(.finished, "a send after finish") { try await sender.send([1]) }
                try await receiver.expect(0, 9)
                if bench.direction == .simplex { try await receiver.expectFinish() }
                sender.close()
                receiver.close()
            }
        },
        .link(
            "attached.sizes", "Messages of every size up to the link's maximum arrive whole and in order, however sent."
        ) { subject in
            try await AttachedBench.run(subject) { bench in
                let (send, receive) = (Handoff(try await bench.sender()), Handoff(try await bench.receiver()))
                let edges = [64, 4096, 8176, 8184, 8192, 1 << 16, 1 << 20]
                let sizes = [0, 1] + edges.flatMap { [$0 - 1, $0, $0 + 1] } + [3, 4 << 20]
                try await together {
                    let sender = try send.take()
                    for (index, size) in sizes.enumerated() {
                        try await SendForm.allCases[index % 4].send(sender, index, size)
                    }
                    let code = try await thrownCode { try await sender.send([UInt8](repeating: 1, count: 4 << 20 + 1)) }
                    try expectEqual(code, .messageTooLarge, "the error for a message above the link's maximum")
                } _: {
                    let receiver = try receive.take()
                    for (index, size) in sizes.enumerated() { try await receiver.expect(index, size) }
                }
            }
        },
        .link(
            "attached.queue",
            "queue: many senders, many receivers, each message goes to one; nobody's finish ends another's."
        ) { subject in
            try await AttachedBench.run(subject, .queue) { bench in
                try await queue(bench)
            }
        },
        .link(
            "attached.full", "A full medium makes senders wait: with a deadline, a cancellation and room as ways out."
        ) { subject in
            try await AttachedBench.run(subject) { bench in
                let sender = try await bench.sender()
                var count = 0
                while try sender.trySend(OwnedMessage(Payload.bytes(count, 100)).bytes) {
                    count += 1
                    if count == 1 << 20 { throw Complaint("the medium accepts without bound, and nobody receives") }
                }
                let more = Payload.bytes(count, 100)
                try await expectError(.deadlineExceeded, "a send to a full medium") {
                    try await sender.send(more, deadline: .after(.milliseconds(5)))
                }
                let send = Handoff(sender)
                let waiting = Task { try await send.borrow().send(more, deadline: Limit.wait) }
                let control = sender.control
                try await until("the sender waits again") { control.counters.sendWaits > 1 }
                waiting.cancel()
                try await expectError(.cancelled, "a send that is cancelled while it waits") { try await waiting.value }
                let receiver = try await bench.receiver()
                let receive = Handoff(receiver)
                let total = count
                try await together {
                    try await send.borrow().send(Payload.bytes(total, 100), deadline: Limit.wait)
                } _: {
                    for index in 0...total { try await receive.borrow().expect(index, 100) }
                }
                sender.close()
                receiver.close()
            }
        },
        .link(
            "attached.close.pending",
            "Closes the link: pending operations of this end throw closed; a deadline ends them too."
        ) { subject in
            try await AttachedBench.run(subject) { bench in
                for style in [WaitStyle.task, .thread] {
                    let receiver = try await bench.receiver()
                    let control = receiver.control
                    let receive = Handoff(receiver)
                    try await together {
                        try await expectError(.closed, "a receive when another thread closes the link") {
                            switch style {
                            case .task: _ = try await receive.borrow().receive(deadline: Limit.wait) { _ in }
                            case .thread:
                                _ = try await Worker.run {
                                    try receive.borrow().blocking.receive(deadline: Limit.wait) { _ in true }
                                }
                            }
                        }
                    } _: {
                        try await until("the receiver waits") { control.counters.receiveWaits > 0 }
                        control.close()
                    }
                    receiver.close()
                }
                let receiver = try await bench.receiver()
                try await expectError(.deadlineExceeded, "a receive of nothing") {
                    _ = try await receiver.receive(deadline: .after(.milliseconds(5))) { _ in }
                }
            }
        },
        .link(
            "attached.terms", "The medium says what was agreed, and whoever finds terms that it cannot keep refuses."
        ) { subject in
            try await AttachedBench.run(subject) { bench in
                let directions = subject.record.directions.filter { $0 == .simplex || $0 == .queue }
                guard directions.count == 2 else { throw NotApplicable("its media have one direction only") }
                let sender = try await bench.sender(directions[0])
                try await expectError(.noTransport, "an end that asks for another direction") {
                    _ = try await bench.receiver(directions[1])
                }
                try await expectError(.noTransport, "an end that requires confirmed") {
                    _ = try await bench.other.receiver(
                        bench.address, bench.request(directions[0], [.confirmed]), deadline: Limit.wait)
                }
                sender.close()
            }
        },
        .link("attached.cycles", alone: true, "An end that is closed leaves nothing but the medium.") { subject in
            try await AttachedBench.run(subject) { bench in
                let keeper = try await bench.sender()
                try await ProcessResources.expectNoGrowth(rounds: 64) { round in
                    let (send, receive) = (Handoff(try await bench.sender()), Handoff(try await bench.receiver()))
                    try await together {
                        let sender = try send.take()
                        try await sender.send(Payload.bytes(round, 70_000), deadline: Limit.wait)
                        sender.close()
                    } _: {
                        let receiver = try receive.take()
                        try await receiver.expect(round, 70_000)
                        receiver.close()
                    }
                }
                keeper.close()
            }
        },
    ]

    /// Three senders and three receivers, of two runtimes.
    private static func queue(_ bench: AttachedBench) async throws {
        let perSender = 200
        let total = Tally()
        try await withThrowingTaskGroup(of: [Int].self) { group in
            for sender in 0..<3 {
                group.addTask {
                    let end = try await (sender == 0 ? bench.other : bench.one).sender(
                        bench.address, bench.request(.queue), deadline: Limit.wait)
                    for number in 0..<perSender {
                        try await end.send(Payload.bytes(sender * perSender + number, 24), deadline: Limit.wait)
                    }
                    try await end.finish(deadline: Limit.wait)
                    return []
                }
            }
            for receiver in 0..<3 {
                group.addTask {
                    let end = try await (receiver == 0 ? bench.one : bench.other).receiver(
                        bench.address, bench.request(.queue), deadline: Limit.wait)
                    return try await take(from: end, until: total, of: 3 * perSender)
                }
            }
            var all: [Int] = []
            while let numbers = try await group.next() {
                for sender in 0..<3 {
                    let own = numbers.filter { $0 / perSender == sender }
                    try expectEqual(own, own.sorted(), "the order of one sender's messages at one receiver")
                }
                all += numbers
            }
            try expectEqual(all.sorted(), Array(0..<3 * perSender), "the messages that all receivers took together")
        }
    }

    /// Takes messages until all receivers together have so many.
    private static func take(from receiver: Receiver, until total: Tally, of count: Int) async throws -> [Int] {
        var numbers: [Int] = []
        while total.value < count {
            do {
                _ = try await receiver.receive(deadline: .after(.milliseconds(20))) { view in
                    let bytes = [UInt8](copying: view.bytes)
                    let number = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
                    try expectPayload(view.bytes, number, 24)
                    numbers.append(number)
                    total.add()
                }
            } catch let error as NaruError where error.code == .deadlineExceeded {
                continue
            }
        }
        return numbers
    }
}

/// A count of several tasks.
private final class Tally: Sendable {
    private let count = Atomic(0)
    // Relaxed: it orders nothing.
    var value: Int { count.load(ordering: .relaxed) }
    func add() { count.add(1, ordering: .relaxed) }
}
