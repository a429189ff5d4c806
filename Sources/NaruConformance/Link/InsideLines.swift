// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

extension Conformance {
    /// Closes from inside a closure, and what outlives a link.
    static let insideLines: [ConformanceLine] = [
        .link(
            "link.close.inside",
            """
            Inside a closure of the receiver's own, close takes effect when the closure returns: its message is taken \
            and readable until then, and none is given after it.
            """
        ) { subject in
            try await LinkBench.run(subject) { bench in
                for form in ReceiveForm.allCases {
                    let (sender, receiver) = try await bench.connect()
                    let size = min(200, bench.recordBytes)
                    // Several where there is room for them, so that one more could be given by mistake.
                    var sent = 0
                    while sent < 3, try sender.trySend(OwnedMessage(Payload.bytes(sent, size)).bytes) { sent += 1 }
                    try expect(sent > 0, "a new link has no room")
                    let control = receiver.control
                    let (receive, given) = (Handoff(receiver), Given())
                    let code = try await thrownCode {
                        try await form.run(receive, first: { $0.close() }) { bytes in
                            try expectPayload(bytes, given.next(), size)
                        }
                    }
                    try expect(
                        code == nil || code == .closed && form.goesOn,
                        "\(form) with a close inside it: \(code?.description ?? "none")")
                    try expectEqual(given.count, 1, "the messages that \(form) gives when the first one closes")
                    try expectEqual(control.counters.messagesReceived, 1, "the messages that \(form) counts as taken")
                    try await expectError(.closed, "a receive after a close inside \(form)") {
                        _ = try await receive.borrow().receive(deadline: Limit.wait) { _ in }
                    }
                    try await until("the sender is told") { sender.control.closeReason != nil }
                }
            }
        },
        .link(
            "link.close.inside.other",
            "Closed by another thread, or by its own closure through its control, a link ends whatever goes on in it."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                for form in ReceiveForm.allCases {
                    let (sender, receiver) = try await bench.connect()
                    let size = min(200, bench.recordBytes)
                    try await sender.send(Payload.bytes(0, size), deadline: Limit.wait)
                    let control = receiver.control
                    let receive = Handoff(receiver)
                    _ = try await thrownCode {
                        try await form.run(receive, first: { _ in control.close() }) { bytes in
                            try expectPayload(bytes, 0, size)
                        }
                    }
                    try expectEqual(control.closeReason, .closed, "why the link closed")
                    try await expectError(.closed, "a receive after that") {
                        while true { _ = try await receive.borrow().receive(deadline: Limit.wait) { _ in } }
                    }
                    receiver.close()
                }
            }
        },
        .link(
            "link.close.inside.loan",
            """
            Inside the closure of a loan, close takes effect when the loan ends; a loan that throws then sends nothing.
            """
        ) { subject in
            try await LinkBench.run(subject) { bench in
                struct Refused: Error {}
                for size in [8, bench.recordBytes, bench.recordBytes + 1] where size <= bench.messageBytes {
                    for isBlocking in [false, true] {
                        let (sender, receiver) = try await bench.connect()
                        do {
                            if isBlocking {
                                try sender.blocking.withLoan(byteCount: size, deadline: Limit.wait) { _ in
                                    sender.close()
                                    throw Refused()
                                }
                            } else {
                                try await sender.withLoan(byteCount: size, deadline: Limit.wait) { _ in
                                    sender.close()
                                    throw Refused()
                                }
                            }
                            throw Complaint("withLoan() does not throw what its closure throws")
                        } catch is Refused {}
                        try await expectError(.closed, "a send after a close inside a loan") {
                            try await sender.send([1])
                        }
                        try await expectError(.peerVanished, "a receive when the sender closed inside its loan") {
                            _ = try await receiver.receive(deadline: Limit.wait) { _ in }
                        }
                    }
                }
            }
        },
        .link(
            "link.kept", alone: true,
            "Messages that their receiver owns are its own for good: after both ends, and both runtimes, are gone."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let sizes = [0, 1, 64, 5000, bench.recordBytes, bench.recordBytes + 1, bench.messageBytes].filter {
                    $0 <= bench.messageBytes
                }
                let lent = OwnedMessage(Payload.bytes(100, min(3000, bench.recordBytes)))
                var kept: [OwnedMessage] = []
                do {
                    let (sender, receiver) = try await bench.connect()
                    let send = Handoff(sender)
                    let found = Handoff<[OwnedMessage]>([])
                    let receive = Handoff(receiver)
                    try await together {
                        let sender = try send.borrow()
                        for (index, size) in sizes.enumerated() {
                            try await SendForm.allCases[index % SendForm.allCases.count].send(sender, index, size)
                        }
                        try await sender.send(consuming: lent, deadline: Limit.wait)
                    } _: {
                        var kept: [OwnedMessage] = []
                        while kept.count <= sizes.count {
                            guard let next = try await receive.borrow().next(deadline: Limit.wait) else { break }
                            kept.append(next)
                        }
                        found.put(kept)
                    }
                    kept = try found.take()
                    // One more, which nobody takes, and a loan that is out, when all goes.
                    _ = try sender.trySend(lent.bytes)
                    let code = try await thrownCode {
                        try await sender.withLoan(byteCount: 8, deadline: .after(.milliseconds(50))) { loan in
                            receiver.close()
                            sender.close()
                            write(Payload.bytes(0, 8), into: &loan)
                        }
                    }
                    // A lane of one record has no room for the loan.
                    let isKnown = [nil, .closed, .finished, .peerVanished, .deadlineExceeded].contains(code)
                    try expect(isKnown, "a loan both of whose ends closed: \(code?.description ?? "none")")
                    receiver.close()
                    sender.close()
                }
                try await Worker.run {
                    bench.dialer.shutdown()
                    bench.listener.shutdown()
                }
                try expectEqual(kept.count, sizes.count + 1, "the messages kept")
                for (index, message) in kept.enumerated() {
                    let isLast = index == sizes.count
                    try expectPayload(message.bytes, isLast ? 100 : index, isLast ? lent.byteCount : sizes[index])
                }
                try expectPayload(lent.bytes, 100, lent.byteCount)
            }
        },
    ]

    /// The ways to receive with a closure.
    private enum ReceiveForm: String, CaseIterable, Sendable {
        case receive, forEach, drain, blockingReceive, blockingForEach

        /// Whether it looks for more after the closure returned.
        var goesOn: Bool { self == .forEach || self == .blockingForEach }

        func run(
            _ receiver: Handoff<Receiver>, first: @escaping @Sendable (Receiver) -> Void,
            _ body: @escaping @Sendable (RawSpan) throws -> Void
        ) async throws {
            // Runs inside the closure, before the message is looked at.
            @Sendable func take(_ receiver: Receiver, _ view: MessageView) throws {
                first(receiver)
                try body(view.bytes)
            }
            switch self {
            case .receive:
                let receiver = try receiver.borrow()
                _ = try await receiver.receive(deadline: Limit.wait) { try take(receiver, $0) }
            case .forEach:
                let receiver = try receiver.borrow()
                try await receiver.forEach { try take(receiver, $0) }
            case .drain:
                let receiver = try receiver.borrow()
                let deadline = Limit.wait
                var count = 0
                while count == 0 {
                    count = try receiver.drain(max: 64) { try take(receiver, $0) }
                    if count > 0 { break }
                    try expect(!deadline.isPast, "a message that was sent is not there")
                    try await Task.sleep(for: .milliseconds(1))
                }
            case .blockingReceive:
                try await Worker.run {
                    let receiver = try receiver.borrow()
                    _ = try receiver.blocking.receive(deadline: Limit.wait) { try take(receiver, $0) }
                }
            case .blockingForEach:
                try await Worker.run {
                    let receiver = try receiver.borrow()
                    try receiver.blocking.forEach { try take(receiver, $0) }
                }
            }
        }
    }

    /// Counts messages.
    ///
    /// `@unchecked Sendable`: a receiver's closure runs on one thread at a time, and the line looks when it has
    /// returned.
    private final class Given: @unchecked Sendable {
        private(set) var count = 0

        func next() -> Int {
            defer { count += 1 }
            return count
        }
    }
}
