// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruStream
internal import NaruSystem

/// The listener's opening: checks the ends that it was passed, reads the dialer's proof, and answers it.
final class AnonymousPipeListening: Opening {
    private enum State {
        case beginning, awaitingEnds
        case awaitingProof(id: [UInt8])
        case answered, ended
    }

    private let request: OpeningRequest
    private let configuration: AnonymousPipeConfiguration
    private let proof = StreamProof()
    private var reader = StreamProofReader(.pipe, transport: .pipe)
    private var writing: Descriptor?
    private var reading: Descriptor?
    private var state = State.beginning

    init(_ request: OpeningRequest, _ configuration: AnonymousPipeConfiguration) {
        self.request = request
        self.configuration = configuration
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        switch (state, event) {
        case (.beginning, .proceed):
            state = .awaitingEnds
            return .receive
        case (.awaitingEnds, .message(let message)):
            let id = try takeEnds(message)
            guard request.receives else { return try answer([UInt8](repeating: 0, count: StreamProof.wordBytes)) }
            state = .awaitingProof(id: id)
            return try readProof(id)
        case (.awaitingProof(let id), .proceed):
            return try readProof(id)
        case (.answered, .proceed):
            state = .ended
            return .done(
                Lanes(
                    writing: writing, reading: reading, configuration: configuration.stream, reactor: request.reactor,
                    transport: .pipe))
        default:
            throw AnonymousPipeMessage.violation("something out of order")
        }
    }

    private func takeEnds(_ message: OpeningMessage) throws(NaruError) -> [UInt8] {
        let wanted: [DescriptorAccess] = (request.receives ? [.read] : []) + (request.sends ? [.write] : [])
        let id = try AnonymousPipeMessage.parseEnds(message, wanted)
        var ends = message.descriptors[...]
        if request.receives { reading = ends.popFirst() }
        if request.sends { writing = ends.popFirst() }
        return id
    }

    /// Reads the dialer's proof and answers it; waits while it is not whole.
    private func readProof(_ id: [UInt8]) throws(NaruError) -> OpeningStep {
        guard let reading else { throw AnonymousPipeMessage.violation("something out of order") }
        guard let theirs = try reader.read(reading, id: id) else { return .wait(reading, .readable) }
        return try answer(theirs.secret)
    }

    private func answer(_ secret: [UInt8]) throws(NaruError) -> OpeningStep {
        if let writing { try proof.write(to: writing, .pipe, transport: .pipe) }
        state = .answered
        return .send(AnonymousPipeMessage.answer(secret: secret, id: proof.id))
    }
}
