// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

extension Conformance {
    /// Waiting, giving up, and closures that throw.
    static let sendLines: [ConformanceLine] = [
        .link(
            "link.try-send",
            "Sends a copy of bytes when there is room for it now; false when there is none."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect()
                let count = try await bench.fill(sender)
                try expect(count > 0, "a new link has no room")
                for index in 0..<count { try await receiver.expect(index, bench.filling) }
                try expectEqual(try receiver.drain(max: 10) { _ in }, 0, "messages that nobody sent")
                try await transfer([5, 6], .copy, .task, (sender, receiver))
            }
        },
        .link("link.try-send.large", "A message of several records is taken whole or not at all.") { subject in
            try await LinkBench.run(subject) { bench in
                try bench.needsFragments()
                let (sender, receiver) = try await bench.connect()
                let count = try await bench.fill(sender)
                let large = OwnedMessage(Payload.bytes(7, bench.messageBytes))
                // A lane that grows where much is sent may have grown just now: then all of it is there.
                let isTaken = try sender.trySend(large.bytes)
                for index in 0..<count { try await receiver.expect(index, bench.filling) }
                if isTaken { try await receiver.expect(7, bench.messageBytes) }
                // What was begun, where anything was, must not be in the way of what comes.
                let small = OwnedMessage(Payload.bytes(count, 3))
                let deadline = Limit.wait
                while try !sender.trySend(small.bytes) {
                    try expect(!deadline.isPast, "after a large message found no room a small one never does")
                    try expectEqual(try receiver.drain(max: 10) { _ in }, 0, "messages of which only a part was sent")
                    try await Task.sleep(for: .milliseconds(1))
                }
                try await receiver.expect(count, 3)
                let sent = UInt64(count + (isTaken ? 2 : 1))
                try expectEqual(sender.control.counters.messagesSent, sent, "messages counted as sent")
            }
        },
        .link("link.send.deadline", "Past the deadline before the message was accepted, it was not sent.") { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect()
                let size = bench.filling
                let count = try await bench.fill(sender)
                for form in SendForm.allCases {
                    try await expectError(.deadlineExceeded, "\(form) to a full link") {
                        try await send(form, sender, size, .after(.milliseconds(5)))
                    }
                    try expectError(.deadlineExceeded, "\(form) past its deadline") {
                        try sendBlocking(form, sender.blocking, size, .now)
                    }
                }
                for index in 0..<count { try await receiver.expect(index, size) }
                try await transfer([1, size], .copy, .task, (sender, receiver))
            }
        },
        .link(
            "link.send.interrupted",
            "Later than the first byte: an abort record; the receiver never sees a part of a message."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                try bench.needsFragments()
                let (sender, receiver) = try await bench.connect()
                var next = 0
                for _ in 0..<3 {
                    // Nobody receives, so the message does not get through whole; where it does, it counts.
                    let large = Payload.bytes(next, bench.messageBytes)
                    let code = try await thrownCode {
                        try await sender.send(large, deadline: .after(.milliseconds(5)))
                    }
                    if code == nil {
                        try await receiver.expect(next, bench.messageBytes)
                        next += 1
                    } else {
                        try expectEqual(code, .deadlineExceeded, "the error of a large message to nobody")
                    }
                    let (send, receive) = (Handoff(sender), Handoff(receiver))
                    let first = next
                    try await together {
                        try await SendForm.copy.send(try send.borrow(), first, 9)
                    } _: {
                        try await receive.borrow().expect(first, 9)
                    }
                    next += 1
                }
                try await expectCounts(sender, receiver, next)
            }
        },
        .link("link.send.cancelled", "Cancelled before the message was accepted, it was not sent.") { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect()
                let size = bench.filling
                let count = try await bench.fill(sender)
                let send = Handoff(sender)
                for form in SendForm.allCases {
                    try await expectCancelled("\(form) to a full link") {
                        try await Self.send(form, try send.borrow(), size, Limit.wait)
                    }
                }
                for index in 0..<count { try await receiver.expect(index, size) }
                try await transfer([1, size], .copy, .task, (sender, receiver))
            }
        },
        .link(
            "link.receive.deadline",
            "The deadline passed first. What was asked for may be asked for again."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect()
                for round in 0..<5 {
                    try await expectError(.deadlineExceeded, "a receive from an idle link") {
                        _ = try await receiver.receive(deadline: .after(.milliseconds(2))) { _ in }
                    }
                    try expectError(.deadlineExceeded, "a blocking receive from an idle link") {
                        _ = try receiver.blocking.receive(deadline: .now) { _ in }
                    }
                    try await sender.send(Payload.bytes(round, 12), deadline: Limit.wait)
                    try await receiver.expect(round, 12)
                }
            }
        },
        .link("link.receive.cancelled", "The calling task was cancelled; nothing is lost by it.") { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect()
                let receive = Handoff(receiver)
                for round in 0..<5 {
                    try await expectCancelled("a receive from an idle link") {
                        _ = try await receive.borrow().receive(deadline: Limit.wait) { _ in }
                    }
                    try await sender.send(Payload.bytes(round, 12), deadline: Limit.wait)
                    try await receiver.expect(round, 12)
                }
            }
        },
        .link(
            "link.receive.throws",
            "Throws what body throws: the message is then not taken, and given again by the next call."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect()
                let (send, receive) = (Handoff(sender), Handoff(receiver))
                let sizes = [0, 8, bench.recordBytes + 1, 100].filter { $0 <= bench.messageBytes }
                try await together {
                    let sender = try send.take()
                    for (index, size) in sizes.enumerated() { try await SendForm.copy.send(sender, index, size) }
                    try expectEqual(try await sender.finish(deadline: Limit.wait), .taken, "how far messages got")
                } _: {
                    let receiver = try receive.take()
                    for (index, size) in sizes.enumerated() {
                        for _ in 0..<2 {
                            do {
                                _ = try await receiver.receive(deadline: Limit.wait) { _ in throw Refused() }
                                throw Complaint("receive() does not throw what its closure throws")
                            } catch is Refused {}
                            try expectEqual(receiver.control.counters.messagesReceived, UInt64(index), "messages taken")
                        }
                        try await receiver.expect(index, size)
                    }
                    try await receiver.expectFinish()
                }
            }
        },
        .link(
            "link.receive.reentrant",
            "A re-entrant receive throws reentrant, a close inside a view is deferred."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect()
                for index in 0..<2 {
                    try await sender.send(Payload.bytes(index, 40), deadline: Limit.wait)
                    let code = try await receiver.receive(deadline: Limit.wait) { view in
                        let code = try thrownCode { _ = try receiver.drain(max: 1) { _ in } }
                        if index == 1 { receiver.close() }
                        try expectPayload(view.bytes, index, 40)
                        return code
                    }
                    try expectEqual(code, .some(.some(.reentrant)), "the error of a receive inside a receive")
                }
                try await expectError(.closed, "a receive after a close inside a receive") {
                    _ = try await receiver.receive(deadline: Limit.wait) { _ in }
                }
            }
        },
        .link("link.loan.throws", "When body throws, nothing is sent and no trace is left.") { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect()
                for size in [8, bench.recordBytes, bench.recordBytes + 1] where size <= bench.messageBytes {
                    do {
                        try await sender.withLoan(byteCount: size, deadline: Limit.wait) { _ in throw Refused() }
                        throw Complaint("withLoan() does not throw what its closure throws")
                    } catch is Refused {}
                }
                var code: NaruError.Code?
                let message = OwnedMessage([1])
                try await sender.withLoan(byteCount: 8, deadline: Limit.wait) { loan in
                    write(Payload.bytes(0, 8), into: &loan)
                    code = try thrownCode { _ = try sender.trySend(message.bytes) }
                }
                try expectEqual(code, .reentrant, "the error of a send inside a loan")
                try await receiver.expect(0, 8)
                try expectEqual(sender.control.counters.messagesSent, 1, "messages counted as sent")
            }
        },
        .link(
            "link.batch",
            """
            Sends many messages and shows them to the receiver together; where the lane has no room left, the batch \
            stops early.
            """
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let link = try await bench.connect()
                let (send, receive) = (Handoff(link.0), Handoff(link.1))
                let size = min(20, bench.recordBytes)
                try await together {
                    let sender = try send.take()
                    for first in stride(from: 0, to: 1500, by: 50) {
                        let batch = (first..<first + 50).map { Payload.bytes($0, size) }
                        try await sender.send(batch: batch, deadline: Limit.wait)
                    }
                    try expectEqual(try await sender.finish(deadline: Limit.wait), .taken, "how far messages got")
                } _: {
                    let receiver = try receive.take()
                    var next = 0
                    try await receiver.forEach { view in
                        try expectPayload(view.bytes, next, size)
                        next += 1
                        try expectEqual(view.sequence, UInt64(next), "the message's number")
                    }
                    try expectEqual(next, 1500, "the messages that arrived")
                }
            }
        },
    ]

    private struct Refused: Error {}

    /// Sends a message of which nothing arrives; its number is one that no other message has.
    private static func send(_ form: SendForm, _ sender: Sender, _ size: Int, _ deadline: Deadline) async throws {
        let bytes = Payload.bytes(900_000, size)
        switch form {
        case .copy: try await sender.send(bytes, deadline: deadline)
        case .loan: try await sender.withLoan(byteCount: size, deadline: deadline) { write(bytes, into: &$0) }
        case .batch: try await sender.send(batch: [bytes], deadline: deadline)
        case .adopting: try await sender.send(consuming: OwnedMessage(bytes), deadline: deadline)
        }
    }

    private static func sendBlocking(
        _ form: SendForm, _ sender: BlockingSender, _ size: Int, _ deadline: Deadline
    ) throws {
        let bytes = Payload.bytes(900_000, size)
        switch form {
        case .copy: try sender.send(bytes, deadline: deadline)
        case .loan: try sender.withLoan(byteCount: size, deadline: deadline) { write(bytes, into: &$0) }
        case .batch: try sender.send(batch: [bytes], deadline: deadline)
        case .adopting: try sender.send(consuming: OwnedMessage(bytes), deadline: deadline)
        }
    }

    /// Complains unless an operation throws `cancelled`, in a task that is cancelled while it waits, and in one that
    /// was cancelled before it began.
    static func expectCancelled(_ what: String, _ body: @escaping @Sendable () async throws -> Void) async throws {
        for isEarly in [true, false] {
            try await withThrowingTaskGroup(of: NaruError.Code?.self) { group in
                if isEarly { group.cancelAll() }
                group.addTask { try await thrownCode(body) }
                if !isEarly {
                    try await Task.sleep(for: .milliseconds(3))
                    group.cancelAll()
                }
                let code = try await group.next() ?? nil
                let when = isEarly ? "before" : "while"
                try expectEqual(code, .cancelled, "the error of \(what), cancelled \(when) it waits")
            }
        }
    }

    /// Finishes a link and complains unless both ends count `count` messages.
    private static func expectCounts(_ sender: Sender, _ receiver: Receiver, _ count: Int) async throws {
        let (send, receive) = (Handoff(sender), Handoff(receiver))
        try await together {
            try expectEqual(try await send.borrow().finish(deadline: Limit.wait), .taken, "how far messages got")
        } _: {
            try await receive.borrow().expectFinish()
        }
        try expectEqual(sender.control.counters.messagesSent, UInt64(count), "messages counted as sent")
        try expectEqual(receiver.control.counters.messagesReceived, UInt64(count), "messages counted as received")
    }
}
