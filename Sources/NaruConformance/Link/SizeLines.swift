// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore

extension Conformance {
    /// Messages of every size, sent in every way.
    static let sizeLines: [ConformanceLine] =
        SendForm.allCases.map { form in
            .link(
                "link.sizes.\(form)",
                "Messages of 0 bytes to the link's maximum arrive as they were sent: \(sentence(form))"
            ) { subject in
                try await LinkBench.run(subject) { bench in
                    try await transfer(bench.sizes, form, .task, try await bench.connect())
                }
            }
        }
        + SendForm.allCases.map { form in
            .link(
                "link.sizes.\(form).blocking",
                "The same operations for a thread that may block: \(sentence(form))"
            ) { subject in
                try await LinkBench.run(subject) { bench in
                    try await transfer(bench.sizes, form, .thread, try await bench.connect())
                }
            }
        }
        + [
            .link("link.sizes.exceeded", "Throws messageTooLarge; the link goes on.") { subject in
                try await LinkBench.run(subject) { bench in
                    let (sender, receiver) = try await bench.connect()
                    let size = bench.messageBytes + 1
                    for form in SendForm.allCases {
                        try await expectError(.messageTooLarge, "\(form) of \(size) bytes") {
                            try await form.send(sender, 0, size)
                        }
                        try expectError(.messageTooLarge, "blocking \(form) of \(size) bytes") {
                            try form.sendBlocking(sender.blocking, 0, size)
                        }
                    }
                    let message = OwnedMessage(Payload.bytes(0, size))
                    try expectError(.messageTooLarge, "trySend of \(size) bytes") {
                        _ = try sender.trySend(message.bytes)
                    }
                    try await transfer([8, 0, 9], .copy, .task, (sender, receiver))
                }
            },
            .link(
                "link.sizes.mixed",
                """
                Small and large messages follow each other in one batch; one above the link's maximum is refused there, and \
                those around it arrive.
                """
            ) { subject in
                try await LinkBench.run(subject) { bench in
                    let link = try await bench.connect()
                    let (send, receive) = (Handoff(link.0), Handoff(link.1))
                    let pattern = [8, 1024, 1024, 4096, 40, 1023, 2000, 0, 1033, 5]
                    let sizes = (0..<2000).map { min(pattern[$0 % pattern.count], bench.messageBytes) }
                    let excess = OwnedMessage(Payload.bytes(0, bench.messageBytes + 1))
                    try await together {
                        let sender = try send.take()
                        var next = 0
                        while next < sizes.count {
                            try sender.batch { batch in
                                for index in next..<min(next + 40, sizes.count) {
                                    if index % 40 == 20 {
                                        try expectError(.messageTooLarge, "a batch's message above the maximum") {
                                            _ = try batch.send(excess.bytes)
                                        }
                                    }
                                    let message = OwnedMessage(Payload.bytes(index, sizes[index]))
                                    guard try batch.send(message.bytes) else { return }
                                    next = index + 1
                                }
                            }
                            guard next < sizes.count else { break }
                            // Where the batch stopped early, this waits for room.
                            try await sender.send(Payload.bytes(next, sizes[next]), deadline: Limit.wait)
                            next += 1
                        }
                        try expectEqual(try await sender.finish(deadline: Limit.wait), .taken, "how far messages got")
                    } _: {
                        let receiver = try receive.take()
                        var next = 0
                        try await receiver.forEach { view in
                            try expectPayload(view.bytes, next, sizes[next])
                            next += 1
                        }
                        try expectEqual(next, sizes.count, "the messages that arrived")
                    }
                }
            },
            .link(
                "link.sizes.huge",
                "A loan of more bytes than there can be throws messageTooLarge; one of fewer than none is invalid."
            ) { subject in
                try await LinkBench.run(subject) { bench in
                    let (sender, receiver) = try await bench.connect()
                    for size in LinkBench.hugeSizes {
                        try await expectError(.messageTooLarge, "a loan of \(size) bytes") {
                            try await sender.withLoan(byteCount: size, deadline: Limit.wait) { _ in }
                        }
                        try expectError(.messageTooLarge, "a blocking loan of \(size) bytes") {
                            try sender.blocking.withLoan(byteCount: size, deadline: Limit.wait) { _ in }
                        }
                    }
                    for size in [-1, Int.min] {
                        try await expectError(.invalidArgument, "a loan of \(size) bytes") {
                            try await sender.withLoan(byteCount: size, deadline: Limit.wait) { _ in }
                        }
                    }
                    try await transfer([8, 0, 9], .copy, .task, (sender, receiver))
                }
            },
            .link(
                "link.sizes.owned",
                "Waits for one message and copies it out; moves it where the lane moved one."
            ) { subject in
                try await LinkBench.run(subject) { bench in
                    let (sender, receiver) = try await bench.connect()
                    let (send, receive) = (Handoff(sender), Handoff(receiver))
                    let sizes = bench.sizes
                    try await together {
                        let sender = try send.take()
                        for (index, size) in sizes.enumerated() {
                            try await SendForm.adopting.send(sender, index, size)
                        }
                        try await sender.finish(deadline: Limit.wait)
                    } _: {
                        let receiver = try receive.take()
                        var kept: [OwnedMessage] = []
                        for try await message in receiver { kept.append(message) }
                        try expectEqual(kept.count, sizes.count, "the messages that arrived")
                        for (index, message) in kept.enumerated() {
                            try expectPayload(message.bytes, index, sizes[index])
                        }
                    }
                }
            },
        ]

    private static func sentence(_ form: SendForm) -> String {
        switch form {
        case .copy: "copied."
        case .loan: "written in place in a loan."
        case .batch: "in a batch."
        case .adopting: "as a message that owns its bytes."
        }
    }
}
