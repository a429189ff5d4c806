// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// One end of a measurement in a task, by the async forms. The same loops as ``BlockingBench``.
struct AsyncBench: ~Copyable {
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
    func run(_ end: BenchEnd) async throws -> BenchOutcome {
        let outcome =
            switch (pattern, end) {
            case (.rtt, .client): try await askMany()
            case (.rtt, .server): try await answerMany()
            case (.stream, .client): try await sendMany()
            case (.stream, .server): try await receiveMany()
            case (.idle, .client): try await stayIdle()
            case (.idle, .server): try await waitIdle()
            case (.connect, _): throw ConnectBench.notALoop
            }
        // The last message is handed over before this end goes; the other may be gone already.
        try? await sender.flush()
        return outcome
    }

    @inline(__always)
    private func send(_ number: UInt64) async throws {
        if mode == .loan {
            try await sender.withLoan(byteCount: size) { span in
                payload.write(number, into: &span, touch: touch)
            }
        } else {
            payload.prepare(number)
            try await sender.send(payload.bytes(number))
        }
    }

    @inline(__always)
    private func receive(_ sum: inout UInt64) async throws -> UInt64 {
        let touch = touch
        var total = sum
        let number = try await receiver.receive { message in
            if touch { total &+= BenchPayload.sum(message.bytes) }
            return BenchPayload.number(message.bytes)
        }
        sum = total
        guard let number else { throw BenchFailure.endedEarly }
        return number
    }

    private func askMany() async throws -> BenchOutcome {
        var outcome = BenchOutcome()
        var ticks = [UInt64](repeating: 0, count: count)
        var clock = BenchClock()
        for number in 0..<warm + count {
            if number == warm { clock = BenchClock() }
            let start = TickClock.ticks()
            try await send(UInt64(number))
            guard try await receive(&outcome.sum) == UInt64(number) else { throw BenchFailure.wrongMessage }
            if number >= warm { ticks[number - warm] = TickClock.ticks() - start }
        }
        clock.stop(&outcome)
        outcome.record(ticks: ticks)
        return outcome
    }

    private func answerMany() async throws -> BenchOutcome {
        var outcome = BenchOutcome()
        var clock = BenchClock()
        for number in 0..<warm + count {
            if number == warm { clock = BenchClock() }
            try await send(try await receive(&outcome.sum))
        }
        clock.stop(&outcome)
        return outcome
    }

    private func sendMany() async throws -> BenchOutcome {
        var outcome = BenchOutcome()
        try await sendAll(from: 0, to: warm)
        _ = try await receive(&outcome.sum)
        let clock = BenchClock()
        try await sendAll(from: warm, to: warm + count)
        clock.stop(&outcome)
        _ = try await receive(&outcome.sum)
        return outcome
    }

    private func sendAll(from first: Int, to end: Int) async throws {
        guard mode == .batch else {
            for number in first..<end { try await send(UInt64(number)) }
            return
        }
        var next = first
        while next < end {
            let limit = min(next + BlockingBench.batch, end)
            try sender.batch { batch in
                while next < limit, try payload.withNumber(UInt64(next), { try batch.send($0) }) { next += 1 }
            }
            if next < limit {
                try await send(UInt64(next))
                next += 1
            }
        }
    }

    private func receiveMany() async throws -> BenchOutcome {
        var outcome = BenchOutcome()
        try await receiveAll(from: 0, to: warm, &outcome.sum)
        let clock = BenchClock()
        try await send(0)
        try await receiveAll(from: warm, to: warm + count, &outcome.sum)
        clock.stop(&outcome)
        try await send(0)
        return outcome
    }

    private func receiveAll(from first: Int, to end: Int, _ sum: inout UInt64) async throws {
        var next = first
        var total = sum
        let touch = touch
        while next < end {
            // What is there, then one more, waiting for it.
            let count = try receiver.drain(max: end - next) { message in
                if touch { total &+= BenchPayload.sum(message.bytes) }
                next &+= 1
            }
            if count == 0 {
                _ = try await receive(&total)
                next &+= 1
            }
        }
        sum = total
    }

    private func stayIdle() async throws -> BenchOutcome {
        var outcome = BenchOutcome()
        try await send(0)
        _ = try await receive(&outcome.sum)
        let clock = BenchClock()
        do {
            _ = try await receiver.receive(deadline: .after(.seconds(seconds))) { _ in }
            throw BenchFailure.wrongMessage
        } catch let error as NaruError where error.code == .deadlineExceeded {
            clock.stop(&outcome)
        }
        try await send(1)
        return outcome
    }

    private func waitIdle() async throws -> BenchOutcome {
        var outcome = BenchOutcome()
        _ = try await receive(&outcome.sum)
        try await send(0)
        let clock = BenchClock()
        _ = try await receive(&outcome.sum)
        clock.stop(&outcome)
        return outcome
    }
}
