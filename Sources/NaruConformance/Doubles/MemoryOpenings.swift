// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// The dialer's side: leaves a meeting under a secret token, says the token, and finds the meeting joined.
final class MemoryDialerOpening: Opening {
    private enum State { case start, told, waiting, asked, over }

    private let meeting: MemoryMeeting
    private let token = LinkID.random()
    private var state = State.start

    init(_ request: OpeningRequest, _ temper: MemoryTransport.Temper) throws(NaruError) {
        meeting = try MemoryMeeting(request, temper)
    }

    deinit {
        MemoryMeeting.forget(token)
        meeting.abandon()
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        switch (state, event) {
        case (.start, .proceed):
            meeting.announce(token)
            state = .told
            return .send(OpeningMessage(bytes: token.bytes))
        case (.told, .proceed):
            guard let counter = meeting.joinedCounter else { fallthrough }
            state = .waiting
            return .wait(counter.descriptor, .readable)
        case (.waiting, .proceed):
            guard meeting.joinedCounter?.drain() ?? 1 > 0 else {
                throw .memory(.protocolViolation, "open", "told to proceed before the descriptor was ready")
            }
            fallthrough
        case (.asked, .proceed):
            state = .asked
            return .receive
        case (.asked, .message):
            // The proof is not what the message says, but that somebody of this process took the meeting.
            guard let lanes = meeting.complete() else {
                throw .memory(.refused, "open", "the other end is not in this process")
            }
            state = .over
            return .done(lanes)
        default:
            throw .memory(.protocolViolation, "open", "stepped out of order")
        }
    }
}

/// The listener's side: takes the meeting whose token it is told.
final class MemoryListenerOpening: Opening {
    private enum State { case start, joined, waiting, over }

    private let request: OpeningRequest
    private var meeting: MemoryMeeting?
    private var lanes: Lanes?
    private var state = State.start

    init(_ request: OpeningRequest) {
        self.request = request
    }

    deinit {
        lanes?.outbound?.close()
        lanes?.inbound?.close()
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        switch (state, event) {
        case (.start, .proceed):
            return .receive
        case (.start, .message(let message)):
            guard let token = LinkID(bytes: message.bytes), message.descriptors.isEmpty else {
                throw .memory(.protocolViolation, "open", "a message that is no token")
            }
            guard let meeting = MemoryMeeting.take(token), let lanes = try meeting.join(request) else {
                throw .memory(.refused, "open", "the other end is not in this process")
            }
            self.meeting = meeting
            self.lanes = lanes
            state = .joined
            return .send(OpeningMessage(bytes: [1]))
        case (.joined, .proceed):
            meeting?.joinedCounter?.signal()
            if let counter = meeting?.completedCounter {
                state = .waiting
                return .wait(counter.descriptor, .readable)
            }
            return done()
        case (.waiting, .proceed):
            guard meeting?.completedCounter?.drain() ?? 1 > 0 else {
                throw .memory(.protocolViolation, "open", "told to proceed before the descriptor was ready")
            }
            return done()
        default:
            throw .memory(.protocolViolation, "open", "stepped out of order")
        }
    }

    private func done() -> OpeningStep {
        state = .over
        defer { lanes = nil }
        return .done(lanes ?? Lanes())
    }
}
