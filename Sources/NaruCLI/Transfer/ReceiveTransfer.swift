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

    /// Writes every message until the sender finishes, or `count` of them, or nothing has come for `idle`.
    mutating func run(count: Int?, idle: Duration?) throws {
        defer { progress.clear() }
        do {
            var remaining = count ?? .max
            while remaining > 0 {
                guard let taken = try take(min(Self.batch, remaining), idle: idle), taken > 0 else { return }
                if count != nil { remaining -= taken }
            }
            // Without a peer there is nobody who waits for an answer, and what else lies there is somebody else's.
            if receiver.control.peer != nil { try expectEnd() }
        } catch let error as NaruError {
            throw output.remains.map(error.adding) ?? error
        }
    }

    /// Writes messages, at most `maximum`; 0 at the end, `nil` when none has come for `idle`.
    private mutating func take(_ maximum: Int, idle: Duration?) throws -> Int? {
        do {
            return try receiver.blocking.drain(max: maximum, deadline: idle.map { .after($0) } ?? .never) { message in
                try write(message.bytes)
            }
        } catch let error as NaruError where idle != nil && error.code == .deadlineExceeded {
            return nil
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
