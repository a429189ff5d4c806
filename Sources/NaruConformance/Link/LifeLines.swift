// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

extension Conformance {
    /// Several links, names, comings and goings.
    static let lifeLines: [ConformanceLine] = [
        .link("link.two", "Two links to one peer.") { subject in
            try await LinkBench.run(subject) { bench in
                let listener = try bench.listen()
                let first = try await bench.connect(to: listener)
                let second = try await bench.connect(to: listener)
                let (one, other) = (Handoff(first), Handoff(second))
                try await together {
                    try await transfer((0..<200).map { $0 % 60 }, .copy, .task, try one.take())
                } _: {
                    try await transfer((0..<200).map { $0 % 70 }, .loan, .task, try other.take())
                }
                listener.close()
            }
        },
        .link(
            "link.two.large",
            "Messages of many records cross two links at once, taken in turn by one receiver: no part goes astray."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                try bench.needsFragments()
                let listener = try bench.listen()
                let links = [try await bench.connect(to: listener), try await bench.connect(to: listener)]
                let (one, other) = (Handoff(links[0].0), Handoff(links[1].0))
                let receive = Handoff(links.map(\.1))
                let sizes = [3, 2, 3].map { min($0 * bench.recordBytes + 7, bench.messageBytes) }
                try await together {
                    try await together {
                        try await Self.sendAll(one, sizes, from: 0)
                    } _: {
                        try await Self.sendAll(other, sizes, from: 100)
                    }
                } _: {
                    let receivers = try receive.borrow()
                    for (index, size) in sizes.enumerated() {
                        try await receivers[0].expect(index, size)
                        try await receivers[1].expect(100 + index, size)
                    }
                    for receiver in receivers { try await receiver.expectFinish() }
                }
                listener.close()
            }
        },
        .link(
            "link.many.senders",
            "Up to 64 senders to one listener at once: from each, everything comes once and in order."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                for count in [1, 2, 8, 64] {
                    let listener = try bench.listen()
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for _ in 0..<count {
                            group.addTask {
                                guard let receiver = try await listener.nextReceiver(deadline: Limit.wait) else {
                                    throw Complaint("fewer links than senders")
                                }
                                try await Self.receiveAll(receiver)
                            }
                        }
                        for sender in 0..<count {
                            group.addTask {
                                let link = try await bench.dialer.sender(
                                    bench.address, bench.request(), deadline: Limit.wait)
                                try await Self.sendNumbered(link, sender)
                            }
                        }
                        while try await group.next() != nil {}
                    }
                    listener.close()
                }
            }
        },
        .link(
            "link.many",
            "Listens on one address and yields one endpoint for each peer; each is on its own."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let listener = try bench.listen()
                var links: [(Sender, Receiver)] = []
                for _ in 0..<12 { links.append(try await bench.connect(to: listener)) }
                for (index, link) in links.enumerated() {
                    try await link.0.send(Payload.bytes(index, 10), deadline: Limit.wait)
                }
                // Every second one goes; the others do not notice.
                for (index, link) in links.enumerated() where index % 2 == 0 { link.0.close() }
                for (index, link) in links.enumerated() where index % 2 == 1 {
                    try await link.1.expect(index, 10)
                    try await transfer([1, 2, 3], .copy, .task, link)
                }
                listener.close()
            }
        },
        .link(
            "link.busy",
            "Receives from the first sender that comes; others are refused as busy until the link closes."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let request = bench.request()
                let (sender, receiver) = try await bench.dialWhileTheListenerStarts()
                try await expectError(.busy, "a second sender of a receiver") {
                    _ = try await bench.dialer.sender(bench.address, request, deadline: Limit.wait)
                }
                try await expectError(.busy, "a second receiver on a name") {
                    _ = try await bench.dialer.receiver(bench.address, request, deadline: Limit.wait)
                }
                try await transfer([1, 2], .copy, .task, (sender, receiver))
                sender.close()
                receiver.close()
                let other = try bench.listen()
                try await transfer([3], .copy, .task, try await bench.connect(to: other))
                other.close()
            }
        },
        .link("link.waits-for-listener", "Either side may start first.") { subject in
            try await LinkBench.run(subject) { bench in
                try await transfer([1, 2], .copy, .task, try await bench.dialWhileTheListenerStarts())
            }
        },
        .link("link.open.blocking", "The operations that wait, for threads of the program's own.") { subject in
            try await LinkBench.run(subject) { bench in
                let (send, receive) = (Handoff<Sender?>(nil), Handoff<Receiver?>(nil))
                let (address, request) = (bench.address, bench.request())
                try await together {
                    try await Worker.run {
                        send.put(try bench.dialer.blocking.sender(address, request, deadline: Limit.wait))
                    }
                } _: {
                    try await Worker.run {
                        receive.put(try bench.listener.blocking.receiver(address, request, deadline: Limit.wait))
                    }
                }
                guard let sender = try send.take(), let receiver = try receive.take() else {
                    throw Complaint("no link, and no error")
                }
                try await transfer([1, 2], .copy, .thread, (sender, receiver))
                try await Worker.run {
                    try expectError(.unreachable, "a blocking dial to nobody") {
                        let nobody = try Address(parsing: "local:nobody")
                        _ = try bench.dialer.blocking.sender(nobody, request, deadline: .after(.milliseconds(10)))
                    }
                }
            }
        },
        .link("link.restart", "The listener restarts: the dialer comes back, and earlier messages do not.") { subject in
            try await LinkBench.run(subject) { bench in
                for round in 0..<5 {
                    // The dialer looks for a listener that has gone and comes back meanwhile.
                    let (sender, receiver) = try await bench.dialWhileTheListenerStarts()
                    try await sender.send(Payload.bytes(round, 20), deadline: Limit.wait)
                    try await receiver.expect(round, 20)
                    // Never taken, and of the old link.
                    _ = try sender.trySend(OwnedMessage(Payload.bytes(999, 20)).bytes)
                    receiver.close()
                    try await until("the sender is told") { sender.control.closeReason != nil }
                    sender.close()
                }
            }
        },
        .link("link.nobody", "Nobody answers at the address.") { subject in
            try await LinkBench.run(subject) { bench in
                let (address, request) = (bench.address, bench.request())
                try await expectError(.unreachable, "a dial to nobody") {
                    _ = try await bench.dialer.sender(address, request, deadline: .after(.milliseconds(20)))
                }
                try await expectError(.unreachable, "a receiver that nobody dials") {
                    _ = try await bench.listener.receiver(address, request, deadline: .after(.milliseconds(20)))
                }
                try await expectCancelled("a dial to nobody") {
                    _ = try await bench.dialer.sender(bench.address, bench.request(), deadline: Limit.wait)
                }
                try await expectCancelled("a receiver that nobody dials") {
                    _ = try await bench.listener.receiver(bench.address, bench.request(), deadline: Limit.wait)
                }
            }
        },
        .link(
            "link.cycles", alone: true,
            "Open/close cycles: descriptors, threads, mappings back to where they were."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let listener = try bench.listen()
                try await ProcessResources.expectNoGrowth(rounds: Self.cycles) { round in
                    let (sender, receiver) = try await bench.connect(to: listener)
                    try await sender.send(Payload.bytes(round, 30), deadline: Limit.wait)
                    try await receiver.expect(round, 30)
                    if round % 2 == 0 { sender.close() }
                    receiver.close()
                    sender.close()
                }
                listener.close()
            }
        },
        .link(
            "link.not-accepted", alone: true,
            "A listener that closes lets go of links that nobody accepted, and their peers are told."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                try await ProcessResources.expectNoGrowth(rounds: 32) { _ in
                    let listener = try bench.listen()
                    let sender = try await bench.dialer.sender(bench.address, bench.request(), deadline: Limit.wait)
                    listener.close()
                    try await until("the sender is told that its link was never accepted") {
                        sender.control.closeReason != nil
                    }
                    sender.close()
                }
            }
        },
    ]
    /// How often a link is opened and closed: a hundred times, or as often as `KIT_CYCLES` says.
    private static let cycles = HostInformation.environment("KIT_CYCLES").flatMap { Int($0) } ?? 100

    private static func sendAll(_ sender: Handoff<Sender>, _ sizes: [Int], from first: Int) async throws {
        let sender = try sender.borrow()
        for (index, size) in sizes.enumerated() {
            try await sender.send(Payload.bytes(first + index, size), deadline: Limit.wait)
        }
        try expectEqual(try await sender.finish(deadline: Limit.wait), .taken, "how far messages got")
    }

    /// The messages of each of many senders.
    private static let numbered = 100

    /// Sends the sender's number, then messages that follow from it.
    private static func sendNumbered(_ sender: Sender, _ number: Int) async throws {
        try await sender.send([UInt8(number)], deadline: Limit.wait)
        for index in 0..<numbered {
            try await sender.send(Payload.bytes(number * numbered + index, index % 50 + 8), deadline: Limit.wait)
        }
        try expectEqual(try await sender.finish(deadline: Limit.wait), .taken, "how far messages got")
    }

    private static func receiveAll(_ receiver: Receiver) async throws {
        let number = try await receiver.receive(deadline: Limit.wait) { view in
            Int(unsafe view.bytes.unsafeLoad(as: UInt8.self))
        }
        guard let number else { throw Complaint("a link without a message") }
        for index in 0..<numbered { try await receiver.expect(number * numbered + index, index % 50 + 8) }
        try await receiver.expectFinish()
    }
}
