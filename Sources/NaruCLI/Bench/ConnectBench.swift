// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// Links made one after the other: connect, negotiate, send a message, have its answer, close.
enum ConnectBench {
    /// The pattern makes its links itself, so there is no loop over one link.
    static let notALoop = NaruError(
        .invalidArgument, operation: "measure", object: "connect", reason: "the pattern makes links of its own")

    /// A child has the links that it was started with, each once.
    static let notOfAChild = NaruError(
        .unsupported, operation: "measure", object: "connect", reason: "a pipe's link is made once for each process")

    /// Dials again and again; times each from the dial to the answer.
    static func client(_ plan: BenchCase, _ naru: Naru, _ settings: LinkSettings) async throws -> BenchOutcome {
        var outcome = BenchOutcome()
        var ticks = [UInt64]()
        let payload = BenchPayload(size: plan.size)
        var clock = BenchClock()
        for number in 0..<plan.warm + plan.count {
            if number == plan.warm { clock = BenchClock() }
            let start = TickClock.ticks()
            let channel = try await naru.channel(settings)
            payload.prepare(UInt64(number))
            try await channel.send(payload.bytes(UInt64(number)))
            let answer = try await channel.receive { BenchPayload.number($0.bytes) }
            guard answer == UInt64(number) else { throw BenchFailure.wrongMessage }
            if number >= plan.warm { ticks.append(TickClock.ticks() - start) }
            outcome.mechanism = channel.control.agreement.transport.rawValue
            channel.close()
        }
        clock.stop(&outcome)
        outcome.record(ticks: ticks)
        return outcome
    }

    /// Answers one message on each link.
    static func server(_ plan: BenchCase, _ listener: Listener) async throws -> BenchOutcome {
        var outcome = BenchOutcome()
        let clock = BenchClock()
        let payload = BenchPayload(size: plan.size)
        for _ in 0..<plan.warm + plan.count {
            guard let channel = try await listener.nextChannel(deadline: .after(.seconds(30))) else {
                throw BenchFailure.endedEarly
            }
            guard let number = try await channel.receive({ BenchPayload.number($0.bytes) }) else {
                throw BenchFailure.endedEarly
            }
            payload.prepare(number)
            try await channel.send(payload.bytes(number))
            // The client closes when it has the answer.
            _ = try? await channel.receive(deadline: .after(.seconds(5))) { _ in }
            channel.close()
        }
        clock.stop(&outcome)
        return outcome
    }
}
