// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruStream
internal import NaruSystem

/// The listener's opening: checks what it was passed, reads the proof, and answers it.
final class UnixSocketListening: Opening {
    private enum State {
        case beginning
        case awaitingSocket
        case awaitingProof(Descriptor, id: [UInt8])
        case answered(Descriptor)
        case ended
    }

    private let request: OpeningRequest
    private let configuration: UnixSocketConfiguration
    private let proof = StreamProof()
    private var reader = StreamProofReader(.socket, transport: .unixSocket)
    private var state = State.beginning

    init(_ request: OpeningRequest, _ configuration: UnixSocketConfiguration) {
        self.request = request
        self.configuration = configuration
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        switch (state, event) {
        case (.beginning, .proceed):
            state = .awaitingSocket
            return .receive
        case (.awaitingSocket, .message(let message)):
            let (stream, id) = try checkSocket(message)
            state = .awaitingProof(stream, id: id)
            return try readProof(stream, id)
        case (.awaitingProof(let stream, let id), .proceed):
            return try readProof(stream, id)
        case (.answered(let stream), .proceed):
            state = .ended
            return .done(makeLanes(stream, request, configuration))
        default:
            throw .opening(.protocolViolation, "a message of the opening came out of order")
        }
    }

    /// Reads the dialer's proof and answers it; waits while it is not whole.
    private func readProof(_ stream: Descriptor, _ id: [UInt8]) throws(NaruError) -> OpeningStep {
        guard let theirs = try reader.read(stream, id: id) else { return .wait(stream, .readable) }
        if request.sends { try proof.write(to: stream, .socket, transport: .unixSocket) }
        state = .answered(stream)
        return .send(OpeningMessage(bytes: [unixSocketOpeningVersion] + theirs.secret + proof.id))
    }

    /// The socket and the dialer's id. The socket's flags are left alone: the peer may hold it too, and no call on it
    /// relies on them.
    private func checkSocket(_ message: OpeningMessage) throws(NaruError) -> (Descriptor, [UInt8]) {
        guard message.bytes.count == 1 + StreamProof.wordBytes, message.bytes.first == unixSocketOpeningVersion
        else { throw .opening(.protocolViolation, "the dialer's message is not one") }
        guard message.descriptors.count == 1, let stream = message.descriptors.first else {
            throw .opening(.protocolViolation, "the dialer passed \(message.descriptors.count) descriptors, not one")
        }
        guard UnixSocket.isSocketKind(stream, .stream) else {
            throw .opening(.protocolViolation, "the dialer passed a descriptor that is no Unix stream socket")
        }
        return (stream, Array(message.bytes.dropFirst()))
    }
}
