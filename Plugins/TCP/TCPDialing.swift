// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// The dialer's opening: connects where the listener says, proves itself, and waits for the listener's answer.
final class TCPDialing: Opening {
    private enum State {
        case beginning
        case awaitingOffer
        case connecting(Descriptor, InetAddress, token: [UInt8])
        case awaitingAnswer(Descriptor)
        case awaitingProof(Descriptor, nonce: [UInt8])
        case ended
    }

    private let request: OpeningRequest
    private let configuration: TCPConfiguration
    private let metAt: InetAddress?
    private let proof = TCPProof()
    private var reader = TCPProofReader()
    private var state = State.beginning

    init(_ request: OpeningRequest, _ configuration: TCPConfiguration, _ meeting: TCPMeeting?) {
        self.request = request
        self.configuration = configuration
        metAt = if case .dialed(let address)? = meeting { address } else { nil }
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        switch (state, event) {
        case (.beginning, .proceed):
            state = .awaitingOffer
            return .receive
        case (.awaitingOffer, .message(let message)):
            let (address, token) = try checkOffer(message)
            let stream = try naming { () throws(SystemError) in try TCPSocket.connect(to: address) }
            state = .connecting(stream, address, token: token)
            return .wait(stream, .writable)
        case (.connecting(let stream, let address, let token), .proceed):
            return try connected(stream, address, token)
        case (.awaitingAnswer(let stream), .message(let message)):
            let nonce = try checkAnswer(message)
            guard request.receives else { return finish(stream) }
            state = .awaitingProof(stream, nonce: nonce)
            return try readProof(stream, nonce)
        case (.awaitingProof(let stream, let nonce), .proceed):
            return try readProof(stream, nonce)
        default:
            throw .opening(.protocolViolation, "a message of the opening came out of order")
        }
    }

    private func checkOffer(_ message: OpeningMessage) throws(NaruError) -> (InetAddress, token: [UInt8]) {
        let token = Preamble.tokenBytes
        guard message.bytes.count > 1 + token, message.bytes.first == TCPProof.version, message.descriptors.isEmpty,
            let address = TCPOffer.address(Array(message.bytes.dropFirst(1 + token)), metAt: metAt)
        else { throw .opening(.protocolViolation, "the listener's message is not one") }
        return (address, Array(message.bytes[1...token]))
    }

    private func connected(
        _ stream: Descriptor, _ address: InetAddress, _ token: [UInt8]
    ) throws(NaruError) -> OpeningStep {
        try naming { () throws(SystemError) in
            try TCPSocket.takeError(stream, address.description)
            try stream.prepareLane(configuration)
        }
        try writeWhole(Preamble.lane(token: token).bytes + proof.record, stream)
        state = .awaitingAnswer(stream)
        return .receive
    }

    /// The listener's own nonce, from an answer that shows that it has read the lane.
    private func checkAnswer(_ message: OpeningMessage) throws(NaruError) -> [UInt8] {
        let word = TCPProof.wordBytes
        guard message.bytes.count == 1 + 2 * word, message.bytes.first == TCPProof.version,
            message.descriptors.isEmpty
        else { throw .opening(.protocolViolation, "the listener's answer is not one") }
        guard Array(message.bytes[1...word]) == proof.nonce else {
            throw .opening(.protocolViolation, "the listener has not read the connection that was made to it")
        }
        return Array(message.bytes.suffix(word))
    }

    /// Reads the listener's proof; waits while it is not whole.
    private func readProof(_ stream: Descriptor, _ nonce: [UInt8]) throws(NaruError) -> OpeningStep {
        guard let theirs = try reader.read(stream) else { return .wait(stream, .readable) }
        guard theirs.nonce == nonce else {
            throw .opening(.protocolViolation, "the connection's first record is not the listener's proof")
        }
        return finish(stream)
    }

    private func finish(_ stream: Descriptor) -> OpeningStep {
        state = .ended
        return .done(makeLanes(stream, request, configuration))
    }
}
