// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// Messages on their way out of a link. Blocks: for a thread of its own.
struct ReceiveTransfer {
    private let receiver: Receiver
    private var output: OutputFile
    private let lines: Bool
    private var progress: ProgressBar

    /// How many messages are taken in one go.
    private static let batch = 64
    /// How long a sender has to say that the last message of a count was its last.
    private static let patience = Duration.milliseconds(200)

    init(_ receiver: Receiver, _ output: OutputFile, lines: Bool, progress: ProgressBar) {
        self.receiver = receiver
        self.output = output
        self.lines = lines
        self.progress = progress
    }

    /// Writes every message until the sender finishes, or `count` of them.
    mutating func run(count: Int?) throws {
        defer { progress.clear() }
        do {
            var remaining = count ?? .max
            while remaining > 0 {
                let taken = try receiver.blocking.drain(max: min(Self.batch, remaining)) { message in
                    try write(message.bytes)
                }
                if taken == 0 { return }
                if count != nil { remaining -= taken }
            }
            try expectEnd()
        } catch let error as NaruError {
            throw output.remains.map(error.adding) ?? error
        }
    }

    private mutating func write(_ bytes: RawSpan) throws(NaruError) {
        if lines { try output.write(line: bytes) } else { try output.write(bytes) }
        progress.advance(bytes.byteCount)
    }

    /// After the last message of a count: lets a sender that has finished know that everything was taken. A message
    /// that comes instead is left, and a sender that says nothing is left too.
    private func expectEnd() throws {
        do {
            try receiver.blocking.receive(deadline: .after(Self.patience)) { _ in throw OneTooMany() }
        } catch is OneTooMany {
        } catch let error as NaruError where error.code == .deadlineExceeded {
        }
    }

    private struct OneTooMany: Error {}
}
