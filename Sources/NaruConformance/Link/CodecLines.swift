// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

extension Conformance {
    /// Compressed links, with a codec of the kit's own.
    static let codecLines: [ConformanceLine] = [
        .link("link.codec", "Compression: per message, negotiated, kept raw when it doesn't help.") { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect(compressed(bench))
                try expectEqual(sender.control.agreement.forward.first?.codec, "runs", "the codec of the link")
                let (send, receive) = (Handoff(sender), Handoff(receiver))
                let sizes = [0, 1, 16, 40, 1000, 4096, bench.recordBytes + 1, bench.messageBytes].filter {
                    $0 <= bench.messageBytes
                }
                for isPlain in [true, false] {
                    let before = sender.control.counters
                    try await together {
                        let sender = try send.borrow()
                        for (index, size) in sizes.enumerated() {
                            try await sender.send(payload(index, size, isPlain), deadline: Limit.wait)
                        }
                    } _: {
                        let receiver = try receive.borrow()
                        for (index, size) in sizes.enumerated() {
                            _ = try await receiver.receive(deadline: Limit.wait) {
                                try expect(
                                    Payload.equal($0.bytes, payload(index, size, isPlain)),
                                    "message \(index) of \(size) bytes is not as it was sent")
                            }
                        }
                    }
                    let after = sender.control.counters
                    let (bytes, wire) = (after.bytesSent - before.bytesSent, after.wireBytesSent - before.wireBytesSent)
                    if isPlain {
                        try expect(wire < bytes / 4, "\(bytes) equal bytes travel as \(wire)")
                    } else {
                        try expectEqual(wire, bytes, "the bytes that travel for random ones")
                    }
                }
            }
        },
        .link(
            "link.codec.forms",
            "Compressed messages keep their order and their ends, however they are sent."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                for style in [WaitStyle.task, .thread] {
                    for form in SendForm.allCases {
                        let link = try await bench.connect(compressed(bench))
                        try await transfer([0, 1, 64, 500, min(bench.messageBytes, 1 << 17)], form, style, link)
                    }
                }
            }
        },
        .link(
            "link.codec.throws",
            "A message that came compressed and whose closure threw is given again."
        ) { subject in
            try await LinkBench.run(subject) { bench in
                let (sender, receiver) = try await bench.connect(compressed(bench))
                let size = min(3000, bench.messageBytes)
                let send = Handoff(sender)
                let receive = Handoff(receiver)
                struct Refused: Error {}
                try await together {
                    let sender = try send.take()
                    for index in 0..<3 { try await sender.send(Payload.plain(index, size), deadline: Limit.wait) }
                    try expectEqual(try await sender.finish(deadline: Limit.wait), .taken, "how far messages got")
                } _: {
                    let receiver = try receive.take()
                    for index in 0..<3 {
                        for isRefused in [true, true, false] {
                            do {
                                _ = try await receiver.receive(deadline: Limit.wait) { view in
                                    try expect(
                                        Payload.equal(view.bytes, Payload.plain(index, size)),
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
    ]

    private static func compressed(_ bench: LinkBench) -> LinkRequest {
        bench.request(.simplex, .forced("runs"))
    }

    private static func payload(_ index: Int, _ size: Int, _ isPlain: Bool) -> [UInt8] {
        isPlain ? Payload.plain(index, size) : Payload.bytes(index, size)
    }
}
