// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// Opens a link of two ends over private queues, one each way: whoever sends makes the queue and puts a secret into it,
/// whoever receives takes the secret and says it.
///
///     dialer → listener     version, then its queue where it sends; the doorbell's page, then the queue's descriptor
///     listener → dialer     version, the dialer's secret where it sends, the listener's queue where that sends
///     dialer → listener     version, the listener's secret: only where the listener sends
final class QueueOpening: Opening {
    private enum State {
        case beginning, sent, awaitingAnswer
        case awaitingOffer, answered, awaitingSecret
        case finishing, ended
    }

    private static let version: UInt8 = 1
    private let request: OpeningRequest
    private let queues: any PrivateQueues
    private var state: State
    private var doorbell: QueueDoorbell?
    private var page: Descriptor?
    private var outbound: PrivateQueue?
    private var inbound: PrivateQueue?
    private let secret = SystemRandom.bytes(PrivateQueue.secretBytes)

    init(_ request: OpeningRequest, _ queues: any PrivateQueues) throws(NaruError) {
        self.request = request
        self.queues = queues
        state = request.role == .dialer ? .beginning : .awaitingOffer
        if request.role == .dialer {
            let (doorbell, page) = try QueueDoorbell.make()
            (self.doorbell, self.page) = (doorbell, page)
            if request.sends { outbound = try makeQueue() }
        }
    }

    private func makeQueue() throws(NaruError) -> PrivateQueue {
        let queue = try queues.make()
        try queue.put(secret)
        return queue
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        switch (state, event) {
        case (.beginning, .proceed):
            state = .sent
            let descriptors = [page].compactMap(\.self) + (outbound?.descriptors ?? [])
            return .send(OpeningMessage(bytes: [Self.version] + (outbound?.identity ?? []), descriptors: descriptors))
        case (.sent, .proceed):
            state = .awaitingAnswer
            return .receive
        case (.awaitingAnswer, .message(let message)): return try takeAnswer(message)
        case (.awaitingOffer, .proceed): return .receive
        case (.awaitingOffer, .message(let message)): return try takeOffer(message)
        case (.answered, .proceed):
            guard request.sends else { return try finish() }
            state = .awaitingSecret
            return .receive
        case (.awaitingSecret, .message(let message)):
            guard message.bytes == [Self.version] + secret, message.descriptors.isEmpty else {
                throw .opening(.protocolViolation, "the dialer does not have the listener's queue")
            }
            return try finish()
        case (.finishing, .proceed): return try finish()
        default: throw .opening(.protocolViolation, "a message of the opening came out of order")
        }
    }

    /// The listener: checks what the dialer offers, and answers.
    private func takeOffer(_ message: OpeningMessage) throws(NaruError) -> OpeningStep {
        let offer = try body(of: message)
        guard let page = message.descriptors.first else {
            throw .opening(.protocolViolation, "the dialer passed no doorbell")
        }
        doorbell = try QueueDoorbell(page, owner: request.peer.userID)
        var answer = [Self.version]
        let passed = Array(message.descriptors.dropFirst())
        if request.receives {
            let queue = try queues.join(Array(offer), passed)
            inbound = queue
            answer += try queue.takeSecret()
        } else if !passed.isEmpty || !offer.isEmpty {
            throw .opening(.protocolViolation, "the dialer offers a queue that it does not send through")
        }
        if request.sends { outbound = try makeQueue() }
        state = .answered
        return .send(
            OpeningMessage(bytes: answer + (outbound?.identity ?? []), descriptors: outbound?.descriptors ?? []))
    }

    /// The dialer: checks the listener's answer.
    private func takeAnswer(_ message: OpeningMessage) throws(NaruError) -> OpeningStep {
        var rest = try body(of: message)
        if request.sends {
            guard Array(rest.prefix(secret.count)) == secret else {
                throw .opening(.protocolViolation, "the listener does not have the dialer's queue")
            }
            rest = rest.dropFirst(secret.count)
        }
        guard request.receives else {
            guard rest.isEmpty, message.descriptors.isEmpty else {
                throw .opening(.protocolViolation, "the listener offers a queue that it does not send through")
            }
            return try finish()
        }
        let queue = try queues.join(Array(rest), message.descriptors)
        inbound = queue
        state = .finishing
        return .send(OpeningMessage(bytes: [Self.version] + (try queue.takeSecret())))
    }

    /// What follows the version.
    private func body(of message: OpeningMessage) throws(NaruError) -> ArraySlice<UInt8> {
        guard message.bytes.first == Self.version else {
            throw .opening(.protocolViolation, "the peer's message is not one of version \(Self.version)")
        }
        return message.bytes.dropFirst()
    }

    private func finish() throws(NaruError) -> OpeningStep {
        guard let doorbell else { throw .opening(.protocolViolation, "the opening has no doorbell") }
        state = .ended
        let isDialer = request.role == .dialer
        var lanes = Lanes()
        if let queue = outbound {
            let terms = QueueOutboundLane.Terms(bell: doorbell.bell(forward: isDialer, request.peerBell))
            lanes.outbound = QueueOutboundLane(queue.queue, terms, reactor: request.reactor) { queue.release() }
        }
        if let queue = inbound {
            lanes.inbound = QueueInboundLane(
                queue.queue, .records, maximumBytes: 0, bell: doorbell.bell(forward: !isDialer, request.peerBell)
            ) { queue.release() }
        }
        (outbound, inbound, page) = (nil, nil, nil)
        return .done(lanes)
    }
}

extension NaruError {
    /// An error of an opening over queues.
    static func opening(_ code: Code, _ reason: String) -> NaruError {
        NaruError(code, operation: "open", object: "queue", reason: reason)
    }
}
