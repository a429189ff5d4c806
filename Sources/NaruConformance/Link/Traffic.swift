// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// The ways to send a message.
enum SendForm: String, CaseIterable, Sendable {
    case copy, loan, batch, adopting

    /// Sends message `index`.
    func send(_ sender: Sender, _ index: Int, _ byteCount: Int) async throws {
        let bytes = Payload.bytes(index, byteCount)
        switch self {
        case .copy: try await sender.send(bytes, deadline: Limit.wait)
        case .loan: try await sender.withLoan(byteCount: byteCount, deadline: Limit.wait) { write(bytes, into: &$0) }
        case .batch: try await sender.send(batch: [bytes], deadline: Limit.wait)
        case .adopting: try await sender.send(consuming: OwnedMessage(bytes), deadline: Limit.wait)
        }
    }

    /// As above, blocking the calling thread.
    func sendBlocking(_ sender: BlockingSender, _ index: Int, _ byteCount: Int) throws {
        let bytes = Payload.bytes(index, byteCount)
        switch self {
        case .copy: try sender.send(bytes, deadline: Limit.wait)
        case .loan: try sender.withLoan(byteCount: byteCount, deadline: Limit.wait) { write(bytes, into: &$0) }
        case .batch: try sender.send(batch: [bytes], deadline: Limit.wait)
        case .adopting: try sender.send(consuming: OwnedMessage(bytes), deadline: Limit.wait)
        }
    }
}

/// Writes an array into a loan of its size.
func write(_ bytes: [UInt8], into loan: inout MutableRawSpan) {
    // The copy is bounded by both counts, and the pointer is used inside the closure only.
    unsafe loan.withUnsafeMutableBytes { loan in
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe loan.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.prefix(loan.count)))
        }
    }
}

/// Sends messages of these sizes, from one task or thread to another, and complains unless all arrive, in order, as
/// they were sent, and the sender is told so.
func transfer(
    _ sizes: [Int], _ form: SendForm, _ style: WaitStyle, _ link: (Sender, Receiver)
) async throws {
    let (sender, receiver) = (Handoff(link.0), Handoff(link.1))
    switch style {
    case .task:
        try await together {
            let sender = try sender.take()
            for (index, size) in sizes.enumerated() { try await form.send(sender, index, size) }
            try expectEqual(try await sender.finish(deadline: Limit.wait), .taken, "how far finish() says messages got")
        } _: {
            let receiver = try receiver.take()
            for (index, size) in sizes.enumerated() { try await receiver.expect(index, size) }
            try await receiver.expectFinish()
        }
    case .thread:
        try await together {
            try await Worker.run {
                let sender = try sender.take().blocking
                for (index, size) in sizes.enumerated() { try form.sendBlocking(sender, index, size) }
                try expectEqual(try sender.finish(deadline: Limit.wait), .taken, "how far finish() says messages got")
            }
        } _: {
            try await Worker.run {
                let receiver = try receiver.take().blocking
                for (index, size) in sizes.enumerated() {
                    let found: Void? = try receiver.receive(deadline: Limit.wait) {
                        try expectPayload($0.bytes, index, size)
                    }
                    if found == nil { throw Complaint("the link finished before message \(index)") }
                }
                let more = try receiver.receive(deadline: Limit.wait) { $0.bytes.byteCount }
                if let more { throw Complaint("a message of \(more) bytes that nobody sent") }
            }
        }
    }
}
