// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// How a round ended for the survivor.
struct Outcome: Sendable {
    /// Whether there was a link.
    var isLinked = false
    /// Messages given, or accepted.
    var messages: UInt64 = 0
    /// The error's code.
    var code: NaruError.Code?
    /// From the kill to the error, nanoseconds.
    var delay: UInt64 = 0
    /// What is wrong with it.
    var complaint: String?
}

/// The end that survives, for one round.
struct Survivor: Sendable {
    let runtime: Runtime
    let sentence: Sentence
    let ledger: Ledger

    private var plan: Plan { sentence.plan }
    private var address: Address { .local(name: plan.name) }

    /// The rounds of async ends; cancelled when no link comes.
    func survive() async -> Outcome {
        var outcome = Outcome()
        do {
            switch plan.victim {
            case .send:
                let receiver = try await runtime.receiver(address, plan.request, deadline: .after(.seconds(20)))
                guard sentence.link() else { return settled(outcome, nil) }
                outcome.isLinked = true
                try await receiver.forEach { try take($0, &outcome.messages) }
                outcome.complaint = "it says that the killed sender finished"
            case .receive:
                let sender = try await runtime.sender(address, plan.request, deadline: .after(.seconds(20)))
                guard sentence.link() else { return settled(outcome, nil) }
                outcome.isLinked = true
                while true {
                    try await sender.send(Message.make(outcome.messages + 1))
                    outcome.messages += 1
                    if outcome.messages.isMultiple(of: 8) { try await sender.flush() }
                }
            }
        } catch {
            return settled(outcome, error)
        }
        return settled(outcome, nil)
    }

    /// The rounds of blocking ends.
    func surviveBlocking() -> Outcome {
        var outcome = Outcome()
        do {
            switch plan.victim {
            case .send:
                let receiver = try runtime.blocking.receiver(address, plan.request, deadline: sentence.deadline)
                guard sentence.link() else { return settled(outcome, nil) }
                outcome.isLinked = true
                try receiver.blocking.forEach { try take($0, &outcome.messages) }
                outcome.complaint = "it says that the killed sender finished"
            case .receive:
                let sender = try runtime.blocking.sender(address, plan.request, deadline: sentence.deadline)
                guard sentence.link() else { return settled(outcome, nil) }
                outcome.isLinked = true
                while true {
                    try sender.blocking.send(Message.make(outcome.messages + 1))
                    outcome.messages += 1
                    if outcome.messages.isMultiple(of: 8) { try sender.blocking.flush() }
                }
            }
        } catch {
            return settled(outcome, error)
        }
        return settled(outcome, nil)
    }

    private struct WrongMessage: Error {}

    private func take(_ message: MessageView, _ taken: inout UInt64) throws {
        guard Message.isRight(message.bytes, taken + 1) else { throw WrongMessage() }
        taken += 1
    }

    /// What the survivor was told, and whether that may be.
    private func settled(_ outcome: Outcome, _ error: (any Error)?) -> Outcome {
        let now = MonotonicClock.nanoseconds()
        let killedAt = sentence.killedAt
        sentence.end()
        var outcome = outcome
        outcome.delay = killedAt == 0 || !outcome.isLinked ? 0 : now - killedAt
        guard let error else { return outcome }
        guard let error = error as? NaruError else {
            outcome.complaint = "message \(outcome.messages + 1) is not the one sent: \(error)"
            return outcome
        }
        outcome.code = error.code
        if outcome.isLinked {
            if killedAt == 0 { outcome.complaint = "the link broke before the kill: \(error)" }
            if error.code != .peerVanished, error.code != .peerKilled { outcome.complaint = "the error is: \(error)" }
        } else if !Self.meetingErrors.contains(error.code) {
            outcome.complaint = "the error before a link is: \(error)"
        }
        return outcome
    }

    /// What may come of a victim that dies before there is a link. A FIFO whose other end is gone fails to open before
    /// the death is heard of.
    private static let meetingErrors: [NaruError.Code] = [
        .unreachable, .peerVanished, .peerKilled, .deadlineExceeded, .cancelled, .closed, .noTransport,
    ]

    /// What the ledger of the dead victim says against the outcome.
    func complaint(_ outcome: Outcome) -> String? {
        if let complaint = outcome.complaint { return complaint }
        if ledger.wrong != 0 { return "the victim was given another message than number \(ledger.wrong)" }
        guard outcome.isLinked else { return nil }
        switch plan.victim {
        case .send where outcome.messages < ledger.count:
            return "\(ledger.count) messages were handed over, \(outcome.messages) came"
        case .receive where outcome.messages < ledger.count - min(1, ledger.count):
            // The one that was being sent may have been taken before the call returned.
            return "\(ledger.count) messages were taken, \(outcome.messages) were sent"
        default: return nil
        }
    }
}
