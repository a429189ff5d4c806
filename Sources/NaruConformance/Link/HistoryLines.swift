// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

extension Conformance {
    /// Links whose codec keeps history, with a codec of the kit's own that notices a message too few.
    static let historyLines: [ConformanceLine] = [
        .link(
            "link.history",
            "With history, messages that resemble each other travel small; raw messages leave it untouched."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect(keepingHistory(bench))
                try expectEqual(sender.control.agreement.forward.first?.history, true, "that the lane keeps history")
                let (send, receive) = (Handoff(sender), Handoff(receiver))
                let count = 200
                // Every third message is random, too small, or empty: it travels raw between two that do not.
                try await exchange(send, receive, count) { index in
                    switch index % 9 {
                    case 2: Array(Payload.bytes(index, 108).dropFirst(8))
                    case 5: Payload.bytes(index, 7)
                    case 8: []
                    default: Similar.bytes(index, 100)
                    }
                }
                let (sent, received) = (sender.control.counters, receiver.control.counters)
                var (raw, random, similar) = (0, 0, 0)
                for index in 0..<count {
                    switch index % 9 {
                    case 2: (raw, random) = (raw + 100, random + 1)
                    case 5: raw += 7
                    case 8: break
                    default: similar += 1
                    }
                }
                // The first is whole; each of the others is a header and the digits that differ.
                let travelled = Int(sent.wireBytesSent) - raw
                try expect(
                    travelled < 120 + similar * 30, "\(similar) similar messages of 100 bytes travel as \(travelled)")
                try expectEqual(sent.messagesIncompressible, UInt64(random), "random messages")
                try expectEqual(sent.wireBytesSent, received.wireBytesReceived, "the bytes that travelled")
                try expectEqual(sent.bytesSavedSending, received.bytesSavedReceiving, "the bytes saved")
                try expect(
                    sent.compressionNanoseconds > 0 && received.decompressionNanoseconds > 0,
                    "the time that the codec takes is not counted")
            }
        },
        .link(
            "link.history.mixed",
            "With history, messages of any size, compressible or not, arrive as they were sent, in order."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let sizes = randomSizes(bench, 400)
                for style in [WaitStyle.task, .thread] {
                    let (sender, receiver) = try await bench.connect(keepingHistory(bench))
                    try await exchange(Handoff(sender), Handoff(receiver), sizes.count, style) { index in
                        index % 4 == 3 ? Payload.bytes(index, sizes[index]) : Similar.bytes(index, sizes[index])
                    }
                }
            }
        },
        .link("link.history.forms", "With history, messages keep their order however they are sent.") { subject in
            try await LinkBench.run(subject) { bench in
                for style in [WaitStyle.task, .thread] {
                    for form in SendForm.allCases {
                        let link = try await bench.connect(keepingHistory(bench))
                        try await transfer([0, 1, 64, 500, min(bench.messageBytes, 1 << 17)], form, style, link)
                    }
                }
            }
        },
        .link("link.history.duplex", "Each lane of a channel keeps a history of its own.") { subject in
            try await LinkBench.run(subject, .duplex) { bench in
                let (one, other) = try await bench.connectChannels(.forced("recall"))
                let lanes = one.control.agreement.forward + one.control.agreement.backward
                try expectEqual(lanes.map(\.history), [true, true], "that the lanes keep history")
                for index in 0..<40 {
                    for (from, to) in [(one, other), (other, one)] {
                        try await from.send(Similar.bytes(index, 50), deadline: Limit.wait)
                        let found: Void? = try await to.receive(deadline: Limit.wait) {
                            try expect(
                                Payload.equal($0.bytes, Similar.bytes(index, 50)),
                                "message \(index) is not as it was sent")
                        }
                        if found == nil { throw Complaint("the channel finished before message \(index)") }
                    }
                }
            }
        },
        .link(
            "link.history.throws",
            "A message with history whose closure threw is given again, and is not decoded twice."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect(keepingHistory(bench))
                let (send, receive) = (Handoff(sender), Handoff(receiver))
                struct Refused: Error {}
                try await together {
                    let sender = try send.take()
                    for index in 0..<6 { try await sender.send(Similar.bytes(index, 300), deadline: Limit.wait) }
                    try expectEqual(try await sender.finish(deadline: Limit.wait), .taken, "how far messages got")
                } _: {
                    let receiver = try receive.take()
                    for index in 0..<6 {
                        for isRefused in [true, true, false] {
                            do {
                                _ = try await receiver.receive(deadline: Limit.wait) { view in
                                    try expect(
                                        Payload.equal(view.bytes, Similar.bytes(index, 300)),
                                        "message \(index) is not as it was sent")
                                    if isRefused { throw Refused() }
                                }
                                try expect(!isRefused, "receive() does not throw what its closure throws")
                            } catch is Refused {}
                        }
                    }
                    try await receiver.expectFinish()
                }
            }
        },
        .link(
            "link.history.interrupted",
            """
            Compressing with history and accepting are one step: a message that found no room, was cancelled or was \
            interrupted half way leaves no hole in the history.
            """
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect(keepingHistory(bench))
                let (send, receive) = (Handoff(sender), Handoff(receiver))
                // What was accepted and not yet received.
                let pending = Pending()
                for round in 0..<4 {
                    try await pending.fill(sender)
                    // Each of these finds no room: nothing of it may be in the history.
                    let lost = Similar.filling(900_000 + round)
                    // A lane may grow a moment after it was full, and then it takes one message more.
                    while try sender.trySend(OwnedMessage(lost).bytes) {
                        pending.add(lost)
                        try await pending.fill(sender)
                    }
                    try await expectCancelled("a send to a full link") {
                        try await send.borrow().send(lost, deadline: Limit.wait)
                    }
                    // One of several records, of which some find room. In every second round it does not become smaller
                    // than a message of the link may be, once the codec has seen it.
                    if bench.recordBytes < bench.messageBytes {
                        try await pending.receive(receiver, pending.count / 2)
                        let large = Scattered.bytes(bench.messageBytes - (round % 2 == 0 ? 0 : 100))
                        try await pending.send(large, sender)
                    }
                    try await pending.receive(receiver, pending.count)
                    try await exchange(send, receive, 20) { Similar.bytes($0 + round, 200) }
                }
                try expectEqual(receiver.control.counters.violations, 0, "violations")
            }
        },
    ]

    private static func keepingHistory(_ bench: LinkBench) -> LinkRequest {
        bench.request(.simplex, .forced("recall"))
    }

    private static func randomSizes(_ bench: LinkBench, _ count: Int) -> [Int] {
        var random = SplitMix(seed: 11)
        return (0..<count).map { index in
            let most = min(bench.messageBytes, index % 40 == 39 ? 1 << 20 : index % 8 == 7 ? 1 << 14 : 400)
            return Int.random(in: 0...most, using: &random)
        }
    }

    /// Sends messages from one task or thread to another, and complains unless all arrive as they were sent.
    private static func exchange(
        _ send: Handoff<Sender>, _ receive: Handoff<Receiver>, _ count: Int, _ style: WaitStyle = .task,
        _ message: @escaping @Sendable (Int) -> [UInt8]
    ) async throws {
        @Sendable func check(_ view: MessageView, _ index: Int) throws {
            try expect(Payload.equal(view.bytes, message(index)), "message \(index) is not as it was sent")
        }
        switch style {
        case .task:
            try await together {
                let sender = try send.borrow()
                for index in 0..<count { try await sender.send(message(index), deadline: Limit.wait) }
            } _: {
                let receiver = try receive.borrow()
                for index in 0..<count {
                    _ = try await receiver.receive(deadline: Limit.wait) { try check($0, index) }
                }
            }
        case .thread:
            try await together {
                try await Worker.run {
                    let sender = try send.borrow().blocking
                    for index in 0..<count { try sender.send(message(index), deadline: Limit.wait) }
                }
            } _: {
                try await Worker.run {
                    let receiver = try receive.borrow().blocking
                    for index in 0..<count {
                        _ = try receiver.receive(deadline: Limit.wait) { try check($0, index) }
                    }
                }
            }
        }
    }
}

/// Messages that resemble each other and can be compressed by themselves, too.
private enum Similar {
    private static let text = Array("a record of the kit, like every other but for the number in its middle; ".utf8)

    static func bytes(_ index: Int, _ byteCount: Int) -> [UInt8] {
        var bytes = (0..<byteCount).map { text[$0 % text.count] }
        let digits = Array(String(index).utf8)
        for (offset, digit) in digits.enumerated() where byteCount / 2 + offset < byteCount {
            bytes[byteCount / 2 + offset] = digit
        }
        return bytes
    }
}

extension Similar {
    /// Messages with which links are filled: half of each resembles the others.
    static func filling(_ index: Int) -> [UInt8] { bytes(index, 500) + Payload.bytes(index, 500) }
}

/// Bytes that the codec takes, since some are frequent, and does not make smaller.
private enum Scattered {
    static func bytes(_ byteCount: Int) -> [UInt8] {
        var random = SplitMix(seed: 5)
        return (0..<byteCount).map { _ in UInt8(truncatingIfNeeded: random.next() & random.next()) }
    }
}

/// Messages that a link has accepted and nobody has received.
private final class Pending {
    private var messages: [[UInt8]] = []
    private var sent = 0

    var count: Int { messages.count }

    /// A message was accepted.
    func add(_ message: [UInt8]) { messages.append(message) }

    /// Sends until there is no room.
    func fill(_ sender: Sender) async throws {
        while messages.count < 1 << 18 {
            let message = Similar.filling(sent)
            if try !sender.trySend(OwnedMessage(message).bytes) {
                guard try await send(message, sender) else { return }
            } else {
                messages.append(message)
            }
            sent += 1
        }
        throw Complaint("the link accepts without bound, and nobody receives")
    }

    /// Sends one message while nobody receives; whether there was room for it.
    @discardableResult
    func send(_ message: [UInt8], _ sender: Sender) async throws -> Bool {
        let code = try await thrownCode { try await sender.send(message, deadline: .after(.milliseconds(20))) }
        if code == nil { messages.append(message) }
        try expect(code == nil || code == .deadlineExceeded, "the error of a send to a full link is \(code as Any)")
        return code == nil
    }

    /// Receives the oldest of them.
    func receive(_ receiver: Receiver, _ count: Int) async throws {
        for message in messages.prefix(count) {
            let found: Void? = try await receiver.receive(deadline: Limit.wait) {
                try expect(
                    Payload.equal($0.bytes, message), "a message of \(message.count) bytes is not as it was sent")
            }
            if found == nil { throw Complaint("the link finished early") }
        }
        messages.removeFirst(count)
    }
}
