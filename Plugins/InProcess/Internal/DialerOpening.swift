// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore

/// The dialer's side of a meeting: puts it into the table, says its token, and finds it completed.
final class DialerOpening: Opening {
    private enum State {
        case start, told, asked, over
    }

    private let key: MeetingTable.Key
    private let meeting: Meeting
    private var state = State.start

    init(_ request: OpeningRequest, _ configuration: InProcessConfiguration) {
        key = MeetingTable.Key(link: request.agreement.link, token: .random())
        meeting = Meeting(configuration, dialerBell: request.ownBell)
    }

    deinit {
        _ = MeetingTable.take(key)
        meeting.abandon()
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        switch (state, event) {
        case (.start, .proceed):
            MeetingTable.put(meeting, at: key)
            state = .told
            return .send(OpeningMessage(bytes: key.token.bytes))
        case (.told, .proceed), (.asked, .proceed):
            state = .asked
            return .receive
        case (.asked, .message):
            // Whatever the message says, the proof is that the meeting of this process was completed.
            guard let pair = meeting.complete() else { throw .notInThisProcess(key.link) }
            state = .over
            return .done(pair.lanes(of: .dialer, link: key.link))
        case (.start, .message), (.told, .message), (.over, _):
            throw .openingOutOfOrder(key.link)
        }
    }
}
