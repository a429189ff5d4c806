// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// One end of a measurement in a task, by the async forms. The same loops as ``BlockingBench``.
struct AsyncBench: ~Copyable {
    private let plan: BenchCase
    private let payload: BenchPayload
    private let sender: Sender
    private let receiver: Receiver

    init(_ plan: BenchCase, sender: Sender, receiver: Receiver) {
        self.plan = plan
        payload = BenchPayload(size: plan.size)
        self.sender = sender
        self.receiver = receiver
    }

    /// Runs the end's part of the pattern.
    func run(_ end: BenchEnd) async throws -> BenchOutcome {
        switch (plan.pattern, end) {
        case (.rtt, .client): try await askMany()
        case (.rtt, .server): try await answerMany()
        case (.stream, .client): try await sendMany()
        case (.stream, .server): try await receiveMany()
        case (.idle, .client): try await stayIdle()
        case (.idle, .server): try await waitIdle()
        case (.connect, _): throw ConnectBench.notALoop
        }
    }

    @inline(__always)
    private func send(_ number: UInt64) async throws {
        if plan.send == .loan {
            try await sender.withLoan(byteCount: plan.size) { span in
                payload.write(number, into: &span, touch: plan.touch)
            }
        } else {
            payload.stamp(number)
            try await sender.send(payload.bytes)
        }
    }

    @inline(__always)
    private func receive(_ sum: inout UInt64) async throws -> UInt64 {
        let touch = plan.touch
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
        var ticks = [UInt64](repeating: 0, count: plan.count)
        var clock = BenchClock()
        for number in 0..<plan.warm + plan.count {
            if number == plan.warm { clock = BenchClock() }
            let start = TickClock.ticks()
            try await send(UInt64(number))
            guard try await receive(&outcome.sum) == UInt64(number) else { throw BenchFailure.wrongMessage }
            if number >= plan.warm { ticks[number - plan.warm] = TickClock.ticks() - start }
        }
        clock.stop(&outcome)
        outcome.record(ticks: ticks)
        return outcome
    }

    private func answerMany() async throws -> BenchOutcome {
        var outcome = BenchOutcome()
        var clock = BenchClock()
        for number in 0..<plan.warm + plan.count {
            if number == plan.warm { clock = BenchClock() }
            try await send(try await receive(&outcome.sum))
        }
        clock.stop(&outcome)
        return outcome
    }

    private func sendMany() async throws -> BenchOutcome {
        var outcome = BenchOutcome()
        try await sendAll(from: 0, to: plan.warm)
        _ = try await receive(&outcome.sum)
        let clock = BenchClock()
        try await sendAll(from: plan.warm, to: plan.warm + plan.count)
        clock.stop(&outcome)
        _ = try await receive(&outcome.sum)
        return outcome
    }

    private func sendAll(from first: Int, to end: Int) async throws {
        guard plan.send == .batch else {
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
        try await receiveAll(from: 0, to: plan.warm, &outcome.sum)
        let clock = BenchClock()
        try await send(0)
        try await receiveAll(from: plan.warm, to: plan.warm + plan.count, &outcome.sum)
        clock.stop(&outcome)
        try await send(0)
        return outcome
    }

    private func receiveAll(from first: Int, to end: Int, _ sum: inout UInt64) async throws {
        var next = first
        var total = sum
        let touch = plan.touch
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
            _ = try await receiver.receive(deadline: .after(.seconds(plan.seconds))) { _ in }
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
