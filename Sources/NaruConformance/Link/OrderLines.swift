// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

extension Conformance {
    /// Many messages, every wait mode, both ways at once.
    static let orderLines: [ConformanceLine] = [
        .link(
            "link.order",
            "In order, once, for as long as the link lives: 10,000 messages of random sizes."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                try await transfer(randomSizes(bench, 10_000, seed: 1), .copy, .task, try await bench.connect())
            }
        },
        .link(
            "link.order.blocking",
            "In order, once: 10,000 messages of random sizes, from thread to thread."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                try await transfer(randomSizes(bench, 10_000, seed: 2), .copy, .thread, try await bench.connect())
            }
        },
        .link(
            "link.order.forms",
            "Copies, loans, batches and adopted messages arrive in the order in which they were accepted."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let sizes = randomSizes(bench, 2000, seed: 3)
                let link = try await bench.connect()
                let (send, receive) = (Handoff(link.0), Handoff(link.1))
                try await together {
                    let sender = try send.take()
                    for (index, size) in sizes.enumerated() {
                        try await SendForm.allCases[index % SendForm.allCases.count].send(sender, index, size)
                    }
                    try expectEqual(try await sender.finish(deadline: Limit.wait), .taken, "how far messages got")
                } _: {
                    let receiver = try receive.take()
                    var next = 0
                    let check: (borrowing MessageView) throws -> Void = { view in
                        try expectPayload(view.bytes, next, sizes[next])
                        next += 1
                    }
                    while !receiver.isFinished {
                        // In bulk where there are some, else one, owned and borrowed in turn.
                        if next % 3 != 0, try receiver.drain(max: 5, check) > 0 { continue }
                        if next % 2 == 0 {
                            _ = try await receiver.receive(deadline: Limit.wait, check)
                        } else if let message = try await receiver.next(deadline: Limit.wait) {
                            try expectPayload(message.bytes, next, sizes[next])
                            next += 1
                        }
                    }
                    try expectEqual(next, sizes.count, "the messages that arrived")
                }
            }
        },
        .link("link.wait-modes", "How an end waits for the other: every wait mode of the record.") { subject in
            try await LinkBench.run(subject) { bench in
                for mode in bench.subject.record.waitModes {
                    for style in [WaitStyle.task, .thread] {
                        let link = try await bench.connect(bench.request(wait: mode))
                        try await transfer(randomSizes(bench, 100, seed: 5), .copy, style, link)
                    }
                }
            }
        },
        .link("link.counters", "What one end of a link counts.") { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect()
                let sizes = [0, 5, bench.recordBytes + 1, 77].filter { $0 <= bench.messageBytes }
                try await transfer(sizes, .copy, .task, (sender, receiver))
                let (sent, received) = (sender.control.counters, receiver.control.counters)
                let bytes = UInt64(sizes.reduce(0, +))
                try expectEqual(sent.messagesSent, UInt64(sizes.count), "messages sent")
                try expectEqual(sent.bytesSent, bytes, "bytes sent")
                try expectEqual(received.messagesReceived, UInt64(sizes.count), "messages received")
                try expectEqual(received.bytesReceived, bytes, "bytes received")
                try expectEqual(sent.violations + received.violations, 0, "violations")
            }
        },
        .link("link.duplex", "Both ways at once.") { subject in
            try await LinkBench.run(subject, .duplex) { bench in
                let (one, other) = try await bench.connectChannels()
                let sizes = randomSizes(bench, 1500, seed: 6)
                let there = (Handoff(one.sender), Handoff(other.receiver))
                let back = (Handoff(other.sender), Handoff(one.receiver))
                try await together {
                    try await transfer(sizes, .copy, .task, (there.0.take(), there.1.take()))
                } _: {
                    try await transfer(sizes, .adopting, .task, (back.0.take(), back.1.take()))
                }
            }
        },
        .link("link.duplex.threads", "The two halves, for two users: two tasks or two threads.") { subject in
            try await LinkBench.run(subject, .duplex) { bench in
                let (one, other) = try await bench.connectChannels()
                let sizes = randomSizes(bench, 1500, seed: 7)
                let there = (Handoff(one.sender), Handoff(other.receiver))
                let back = (Handoff(other.sender), Handoff(one.receiver))
                try await together {
                    try await transfer(sizes, .loan, .thread, (there.0.take(), there.1.take()))
                } _: {
                    try await transfer(sizes, .batch, .thread, (back.0.take(), back.1.take()))
                }
            }
        },
        .link("link.duplex.exchange", "Sends and receives: question and answer, a thousand times.") { subject in
            try await LinkBench.run(subject, .duplex) { bench in
                let (one, other) = try await bench.connectChannels()
                let (asking, answering) = (Handoff(one), Handoff(other))
                try await together {
                    let channel = try asking.take()
                    for index in 0..<1000 {
                        try await channel.send(Payload.bytes(index, index % 50), deadline: Limit.wait)
                        try await channel.receiver.expect(index + 1, index % 40)
                    }
                    try await channel.sender.finish(deadline: Limit.wait)
                } _: {
                    let channel = try answering.take()
                    for index in 0..<1000 {
                        try await channel.receiver.expect(index, index % 50)
                        try await channel.send(Payload.bytes(index + 1, index % 40), deadline: Limit.wait)
                    }
                    try await channel.receiver.expectFinish()
                }
            }
        },
    ]

    /// Sizes of messages, small ones mostly; now and then one of several records, where records are small.
    static func randomSizes(_ bench: LinkBench, _ count: Int, seed: UInt64) -> [Int] {
        var random = SplitMix(seed: seed)
        let most = min(bench.messageBytes, 2 * bench.recordBytes, 6000)
        return (0..<count).map { _ in
            Int.random(in: 0...9, using: &random) == 0
                ? .random(in: 0...most, using: &random) : .random(in: 0...min(most, 200), using: &random)
        }
    }
}
