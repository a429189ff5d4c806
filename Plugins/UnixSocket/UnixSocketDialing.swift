// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruStream
internal import NaruSystem

/// The dialer's opening: makes the pair, passes one end, and waits for the listener's answer.
final class UnixSocketDialing: Opening {
    private enum State {
        case beginning(peer: Descriptor)
        case sent
        case awaitingAnswer
        case awaitingProof(id: [UInt8])
        case ended
    }

    private let request: OpeningRequest
    private let configuration: UnixSocketConfiguration
    private let stream: Descriptor
    private let proof = StreamProof()
    private var reader = StreamProofReader(.socket, transport: .unixSocket)
    private var state: State

    init(_ request: OpeningRequest, _ configuration: UnixSocketConfiguration) throws(NaruError) {
        self.request = request
        self.configuration = configuration
        let (own, peer) = try naming { () throws(SystemError) in try UnixSocket.pair(kind: .stream, blocking: true) }
        stream = own
        state = .beginning(peer: peer)
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        switch (state, event) {
        case (.beginning(let peer), .proceed):
            try proof.write(to: stream, .socket, transport: .unixSocket)
            state = .sent
            return .send(OpeningMessage(bytes: [unixSocketOpeningVersion] + proof.id, descriptors: [peer]))
        case (.sent, .proceed):
            state = .awaitingAnswer
            return .receive
        case (.awaitingAnswer, .message(let message)):
            let id = try checkAnswer(message)
            guard request.receives else { return finish() }
            state = .awaitingProof(id: id)
            return try readProof(id)
        case (.awaitingProof(let id), .proceed):
            return try readProof(id)
        default:
            throw .opening(.protocolViolation, "a message of the opening came out of order")
        }
    }

    /// The listener's own id, from an answer that shows that it has read the lane.
    private func checkAnswer(_ message: OpeningMessage) throws(NaruError) -> [UInt8] {
        let word = StreamProof.wordBytes
        guard message.bytes.count == 1 + 2 * word, message.bytes.first == unixSocketOpeningVersion,
            message.descriptors.isEmpty
        else { throw .opening(.protocolViolation, "the listener's answer is not one") }
        guard Array(message.bytes[1...word]) == proof.secret else {
            throw .opening(.protocolViolation, "the listener has not read the socket that was passed to it")
        }
        return Array(message.bytes.suffix(word))
    }

    /// Reads the listener's proof; waits while it is not whole.
    private func readProof(_ id: [UInt8]) throws(NaruError) -> OpeningStep {
        try reader.read(stream, id: id) == nil ? .wait(stream, .readable) : finish()
    }

    private func finish() -> OpeningStep {
        state = .ended
        return .done(makeLanes(stream, request, configuration))
    }
}
