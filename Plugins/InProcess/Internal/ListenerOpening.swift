// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore

/// The listener's side of a meeting: takes it from the table by the token it is told.
final class ListenerOpening: Opening {
    private enum State {
        case start, asked, over
        case joined(Lanes)
    }

    /// What is said to the dialer; its content carries nothing.
    private static let joined = OpeningMessage(bytes: [1])

    private let agreement: Agreement
    private let bell: any Bell
    private var state = State.start

    init(_ request: OpeningRequest) {
        agreement = request.agreement
        bell = request.ownBell
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        switch (state, event) {
        case (.start, .proceed), (.asked, .proceed):
            state = .asked
            return .receive
        case (.asked, .message(let message)):
            guard let token = Token(message.bytes), message.descriptors.isEmpty else {
                throw .openingOutOfOrder(agreement.link)
            }
            guard let meeting = MeetingTable.take(MeetingTable.Key(link: agreement.link, token: token)),
                let pair = meeting.join(agreement, listenerBell: bell)
            else { throw .notInThisProcess(agreement.link) }
            state = .joined(pair.lanes(of: .listener, link: agreement.link))
            return .send(Self.joined)
        case (.joined(let lanes), .proceed):
            state = .over
            return .done(lanes)
        case (.start, .message), (.joined, .message), (.over, _):
            throw .openingOutOfOrder(agreement.link)
        }
    }
}
