// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// One end of a measurement on a thread of its own, by the blocking forms.
struct BlockingBench: ~Copyable {
    /// Messages that are shown to the receiver together, where the case sends in batches.
    static let batch = 32

    // Plain values: the options of the case are costly to read.
    private let pattern: BenchPattern
    private let size: Int
    private let count: Int
    private let warm: Int
    private let touch: Bool
    private let mode: BenchSend
    private let seconds: Double
    private let payload: BenchPayload
    private let sender: Sender
    private let receiver: Receiver

    init(_ plan: BenchCase, sender: Sender, receiver: Receiver) {
        (pattern, size, count, warm) = (plan.pattern, plan.size, plan.count, plan.warm)
        (touch, mode, seconds) = (plan.touch, plan.send, plan.seconds)
        payload = BenchPayload(size: plan.size)
        self.sender = sender
        self.receiver = receiver
    }

    /// Runs the end's part of the pattern.
    func run(_ end: BenchEnd) throws -> BenchOutcome {
        let outcome =
            switch (pattern, end) {
            case (.rtt, .client): try askMany()
            case (.rtt, .server): try answerMany()
            case (.stream, .client): try sendMany()
            case (.stream, .server): try receiveMany()
            case (.idle, .client): try stayIdle()
            case (.idle, .server): try waitIdle()
            case (.connect, _): throw ConnectBench.notALoop
            }
        // The last message is handed over before this end goes; the other may be gone already.
        try? sender.blocking.flush()
        return outcome
    }

    // MARK: One message

    @inline(__always)
    private func send(_ number: UInt64) throws {
        if mode == .loan {
            try sender.blocking.withLoan(byteCount: size) { span in
                payload.write(number, into: &span, touch: touch)
            }
        } else {
            try payload.withNumber(number) { try sender.blocking.send($0) }
        }
    }

    @inline(__always)
    private func receive(_ sum: inout UInt64) throws -> UInt64 {
        let touch = touch
        let number = try receiver.blocking.receive { message in
            if touch { sum &+= BenchPayload.sum(message.bytes) }
            return BenchPayload.number(message.bytes)
        }
        guard let number else { throw BenchFailure.endedEarly }
        return number
    }

    // MARK: Round trips

    private func askMany() throws -> BenchOutcome {
        var outcome = BenchOutcome()
        var ticks = [UInt64](repeating: 0, count: count)
        var clock = BenchClock()
        for number in 0..<warm + count {
            if number == warm { clock = BenchClock() }
            let start = TickClock.ticks()
            try send(UInt64(number))
            guard try receive(&outcome.sum) == UInt64(number) else { throw BenchFailure.wrongMessage }
            if number >= warm { ticks[number - warm] = TickClock.ticks() - start }
        }
        clock.stop(&outcome)
        outcome.record(ticks: ticks)
        return outcome
    }

    private func answerMany() throws -> BenchOutcome {
        var outcome = BenchOutcome()
        var clock = BenchClock()
        for number in 0..<warm + count {
            if number == warm { clock = BenchClock() }
            try send(try receive(&outcome.sum))
        }
        clock.stop(&outcome)
        return outcome
    }

    // MARK: Streams

    private func sendMany() throws -> BenchOutcome {
        var outcome = BenchOutcome()
        try sendAll(from: 0, to: warm)
        _ = try receive(&outcome.sum)
        let clock = BenchClock()
        try sendAll(from: warm, to: warm + count)
        clock.stop(&outcome)
        _ = try receive(&outcome.sum)
        return outcome
    }

    private func sendAll(from first: Int, to end: Int) throws {
        guard mode == .batch else {
            for number in first..<end { try send(UInt64(number)) }
            return
        }
        var next = first
        while next < end {
            let limit = min(next + Self.batch, end)
            try sender.batch { batch in
                while next < limit, try payload.withNumber(UInt64(next), { try batch.send($0) }) { next += 1 }
            }
            if next < limit {
                // No room: wait for it with one message.
                try send(UInt64(next))
                next += 1
            }
        }
    }

    private func receiveMany() throws -> BenchOutcome {
        var outcome = BenchOutcome()
        try receiveAll(from: 0, to: warm, &outcome.sum)
        let clock = BenchClock()
        try send(0)
        try receiveAll(from: warm, to: warm + count, &outcome.sum)
        clock.stop(&outcome)
        try send(0)
        return outcome
    }

    private func receiveAll(from first: Int, to end: Int, _ sum: inout UInt64) throws {
        var next = first
        var total = sum
        let touch = touch
        while next < end {
            let count = try receiver.blocking.drain(max: end - next) { message in
                if touch {
                    total &+= BenchPayload.sum(message.bytes)
                } else {
                    guard BenchPayload.number(message.bytes) == UInt64(next) else { throw BenchFailure.wrongMessage }
                }
                next &+= 1
            }
            guard count > 0 else { throw BenchFailure.endedEarly }
        }
        sum = total
    }

    // MARK: Idle

    private func stayIdle() throws -> BenchOutcome {
        var outcome = BenchOutcome()
        try send(0)
        _ = try receive(&outcome.sum)
        let clock = BenchClock()
        // Nothing comes on the link meanwhile: this end waits as a receiver, until its deadline.
        do {
            _ = try receiver.blocking.receive(deadline: .after(.seconds(seconds))) { _ in }
            throw BenchFailure.wrongMessage
        } catch let error as NaruError where error.code == .deadlineExceeded {
            clock.stop(&outcome)
        }
        try send(1)
        return outcome
    }

    private func waitIdle() throws -> BenchOutcome {
        var outcome = BenchOutcome()
        _ = try receive(&outcome.sum)
        try send(0)
        let clock = BenchClock()
        _ = try receive(&outcome.sum)
        clock.stop(&outcome)
        return outcome
    }
}

/// Why a measurement came to nothing.
enum BenchFailure: String, Error, CustomStringConvertible {
    case endedEarly = "the other end finished too early"
    case wrongMessage = "a message came out of order"

    var description: String { rawValue }
}
