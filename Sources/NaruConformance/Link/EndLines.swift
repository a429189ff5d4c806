// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

extension Conformance {
    /// How links end.
    static let endLines: [ConformanceLine] = [
        .link(
            "link.finish",
            "finish returns when the receiver has taken all; after a peer that finished, receive gives nil."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect()
                try await transfer((0..<50).map { $0 % 17 }, .copy, .task, (sender, receiver))
                for _ in 0..<2 { try await receiver.expectFinish() }
                try await expectError(.finished, "a send after finish") { try await sender.send([1]) }
                sender.close()
                receiver.close()
            }
        },
        .link(
            "link.finish.waits",
            """
            deadlineExceeded may be followed by another call; taken means that the receiver's closure returned for \
            every message.
            """
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect()
                try await sender.send(Payload.bytes(0, 5), deadline: Limit.wait)
                for _ in 0..<3 {
                    try await expectError(.deadlineExceeded, "finish() while nobody receives") {
                        try await sender.finish(deadline: .after(.milliseconds(5)))
                    }
                }
                let (send, receive) = (Handoff(sender), Handoff(receiver))
                try await together {
                    let delivery = try await send.borrow().finish(deadline: Limit.wait)
                    try expectEqual(delivery, .taken, "how far messages got")
                } _: {
                    let receiver = try receive.borrow()
                    try await receiver.expect(0, 5)
                    try await receiver.expectFinish()
                    receiver.close()
                }
                let delivery = try await sender.finish(deadline: Limit.wait)
                try expectEqual(delivery, .taken, "how far a second finish() says messages got")
            }
        },
        .link("link.finish.nothing", "Says that nothing more will come: also after no message at all.") { subject in
            try await LinkBench.run(subject) { bench in
                try await transfer([], .copy, .task, try await bench.connect())
                try await transfer([], .copy, .thread, try await bench.connect())
            }
        },
        .link(
            "link.close.sender",
            """
            A receiver is given everything that was handed over before its peer died, then the reason the link \
            closed.
            """
        ) { subject in
            try await LinkBench.run(subject) { bench in
                for isDropped in [false, true] {
                    let (receiver, sent, isHandedOver) = try await Self.sendAndGo(bench, isDropped: isDropped)
                    let size = min(100, bench.recordBytes)
                    var taken = 0
                    let code = try await thrownCode {
                        while true {
                            try await receiver.expect(taken, size)
                            taken += 1
                        }
                    }
                    try expect(!isHandedOver || taken == sent, "\(sent) messages were handed over, \(taken) arrived")
                    try expectEqual(code, .peerVanished, "the reason after the last message")
                    try expectEqual(try receiver.drain(max: 1) { _ in }, 0, "messages after the end")
                }
            }
        },
        .link("link.close.receiver", "The other end finished; it takes no more: the sender is told.") { subject in
            try await LinkBench.run(subject) { bench in
                for style in [WaitStyle.task, .thread] {
                    let (sender, receiver) = try await bench.connect()
                    try await sender.send(Payload.bytes(0, 4), deadline: Limit.wait)
                    try await receiver.expect(0, 4)
                    receiver.close()
                    let control = sender.control
                    try await until("the sender is told that the receiver has closed") { control.closeReason != nil }
                    let send = Handoff(sender)
                    try await expectError(.finished, "a send to a receiver that has closed") {
                        try await Self.send(send, 2, style)
                    }
                }
            }
        },
        .link(
            "link.close.receiver.pending",
            "close while send is pending: it completes once, with the right error."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                for style in [WaitStyle.task, .thread] {
                    let (sender, receiver) = try await bench.connect()
                    let size = bench.filling
                    _ = try await bench.fill(sender)
                    let (send, receive) = (Handoff(sender), Handoff(receiver))
                    try await together {
                        try await expectError(.finished, "a send that waits for room when the receiver closes") {
                            while true { try await Self.send(send, size, style) }
                        }
                    } _: {
                        try receive.take().close()
                    }
                }
            }
        },
        .link(
            "link.close.pending",
            "Closes the link: pending operations of this end throw closed. Idempotent."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                for operation in Pending.allCases {
                    let (sender, receiver) = try await bench.connect()
                    let control = operation.isReceive ? receiver.control : sender.control
                    if !operation.isReceive { _ = try await bench.fill(sender) }
                    let before = control.counters
                    let (send, receive) = (Handoff(sender), Handoff(receiver))
                    let size = bench.filling
                    try await together {
                        try await expectError(.closed, "\(operation) when another thread closes the link") {
                            try await operation.run(send, receive, size)
                        }
                    } _: {
                        try await until("\(operation) waits") { operation.isWaiting(control, before) }
                        for _ in 0..<3 { control.close() }
                    }
                    try expectEqual(control.closeReason, .closed, "why the link closed")
                }
            }
        },
        .link(
            "link.close.twice",
            "Double close, of either end and of the link; every operation after it throws closed."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect()
                for _ in 0..<3 {
                    sender.close()
                    receiver.close()
                }
                try await expectError(.closed, "send after close") { try await sender.send([1]) }
                try await expectError(.closed, "flush after close") { try await sender.flush() }
                try await expectError(.closed, "finish after close") { try await sender.finish() }
                try await expectError(.closed, "withLoan after close") {
                    try await sender.withLoan(byteCount: 1) { _ in }
                }
                try await expectError(.closed, "receive after close") { _ = try await receiver.receive { _ in } }
                try expectError(.closed, "drain after close") { _ = try receiver.drain(max: 1) { _ in } }
                sender.control.close()
                receiver.control.close()
            }
        },
        .link("link.close.peer", "This end closed the link, the peer is told.") { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect()
                sender.control.close()
                try await expectError(.peerVanished, "a receive from a link that its sender closed") {
                    _ = try await receiver.receive(deadline: Limit.wait) { _ in }
                }
            }
        },
        .link(
            "link.close.loan",
            "An endpoint closed with a loan outstanding: the close waits for the loan's end."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect()
                let size = min(5000, bench.recordBytes)
                _ = try await thrownCode {
                    try await sender.withLoan(byteCount: size, deadline: Limit.wait) { loan in
                        sender.close()
                        write(Payload.bytes(0, size), into: &loan)
                    }
                }
                try await expectError(.closed, "a send after the close") { try await sender.send([1]) }
                _ = try await thrownCode {
                    try await receiver.expect(0, size)
                }
            }
        },
    ]

    private static func send(_ sender: Handoff<Sender>, _ size: Int, _ style: WaitStyle) async throws {
        let bytes = Payload.bytes(1, size)
        switch style {
        case .task: try await sender.borrow().send(bytes, deadline: Limit.wait)
        case .thread: try await Worker.run { try sender.borrow().blocking.send(bytes, deadline: Limit.wait) }
        }
    }

    /// Opens a link, sends messages and goes without finishing; whether they were handed over.
    private static func sendAndGo(
        _ bench: LinkBench, isDropped: Bool
    ) async throws -> (Receiver, sent: Int, isHandedOver: Bool) {
        let (sender, receiver) = try await bench.connect()
        let size = min(100, bench.recordBytes)
        var sent = 0
        while sent < 40, try sender.trySend(OwnedMessage(Payload.bytes(sent, size)).bytes) { sent += 1 }
        let code = try await thrownCode { try await sender.flush(deadline: .after(.milliseconds(50))) }
        // Without a close the sender goes with its last reference, here.
        if !isDropped { sender.close() }
        return (receiver, sent, code == nil)
    }

    /// Operations that wait for ever unless the link closes.
    private enum Pending: String, CaseIterable, Sendable {
        case receive, blockingReceive, send, blockingSend, blockingLoan, loan, batch, blockingBatch, finish
        case blockingFinish

        var isReceive: Bool { self == .receive || self == .blockingReceive }

        func run(_ sender: Handoff<Sender>, _ receiver: Handoff<Receiver>, _ size: Int) async throws {
            let bytes = Payload.bytes(1, size)
            switch self {
            case .receive:
                _ = try await receiver.borrow().receive(deadline: Limit.wait) { _ in }
            case .blockingReceive:
                try await Worker.run { _ = try receiver.borrow().blocking.receive(deadline: Limit.wait) { _ in } }
            case .send:
                while true { try await sender.borrow().send(bytes, deadline: Limit.wait) }
            case .blockingSend:
                try await Worker.run { while true { try sender.borrow().blocking.send(bytes, deadline: Limit.wait) } }
            case .loan:
                while true { try await sender.borrow().withLoan(byteCount: size, deadline: Limit.wait) { _ in } }
            case .blockingLoan:
                try await Worker.run {
                    while true { try sender.borrow().blocking.withLoan(byteCount: size, deadline: Limit.wait) { _ in } }
                }
            case .batch:
                while true { try await sender.borrow().send(batch: [bytes, bytes], deadline: Limit.wait) }
            case .blockingBatch:
                try await Worker.run {
                    while true { try sender.borrow().blocking.send(batch: [bytes, bytes], deadline: Limit.wait) }
                }
            case .finish:
                try await sender.borrow().finish(deadline: Limit.wait)
            case .blockingFinish:
                _ = try await Worker.run { try sender.borrow().blocking.finish(deadline: Limit.wait) }
            }
        }

        /// Whether it waits for what was not there. A finish that found room for its own record waits for an answer,
        /// which nothing counts: whether it does so before or after the close, it ends.
        func isWaiting(_ control: EndpointControl, _ before: Counters) -> Bool {
            if self == .finish || self == .blockingFinish { return true }
            return isReceive
                ? control.counters.receiveWaits > before.receiveWaits : control.counters.sendWaits > before.sendWaits
        }
    }
}
