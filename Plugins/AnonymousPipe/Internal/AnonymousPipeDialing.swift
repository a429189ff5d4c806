// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruStream
internal import NaruSystem

/// The dialer's opening: makes the pipes, writes its proof, passes the far ends, and checks the answer.
final class AnonymousPipeDialing: Opening {
    private enum State {
        case beginning(passed: [Descriptor])
        case sent, awaitingAnswer
        case awaitingProof(id: [UInt8])
        case ended
    }

    private let request: OpeningRequest
    private let configuration: AnonymousPipeConfiguration
    private let proof = StreamProof()
    private var reader = StreamProofReader(.pipe, transport: .pipe)
    private let writing: Descriptor?
    private let reading: Descriptor?
    private var state: State

    init(_ request: OpeningRequest, _ configuration: AnonymousPipeConfiguration) throws(NaruError) {
        self.request = request
        self.configuration = configuration
        do throws(SystemError) {
            let forward = request.sends ? try SystemPipe.make(nonBlocking: true) : nil
            let backward = request.receives ? try SystemPipe.make(nonBlocking: true) : nil
            writing = forward?.writing
            reading = backward?.reading
            for pipe in [forward?.writing, backward?.writing].compactMap(\.self) {
                // A host that permits less still carries everything, only not as far ahead.
                _ = try? SystemPipe.setCapacity(of: pipe, byteCount: configuration.capacityBytes)
            }
            state = .beginning(passed: [forward?.reading, backward?.writing].compactMap(\.self))
        } catch {
            throw NaruError(error, operation: "open", object: TransportName.pipe.rawValue)
        }
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        switch (state, event) {
        case (.beginning(let passed), .proceed):
            if let writing { try proof.write(to: writing, .pipe, transport: .pipe) }
            // From here on only the message holds the far ends.
            state = .sent
            return .send(AnonymousPipeMessage.ends(id: proof.id, passed))
        case (.sent, .proceed):
            state = .awaitingAnswer
            return .receive
        case (.awaitingAnswer, .message(let message)):
            let (secret, id) = try AnonymousPipeMessage.parseAnswer(message)
            guard !request.sends || secret == proof.secret else {
                throw AnonymousPipeMessage.violation("a secret that it has not read from the pipe")
            }
            guard request.receives else { return finish() }
            state = .awaitingProof(id: id)
            return try readProof(id)
        case (.awaitingProof(let id), .proceed):
            return try readProof(id)
        default:
            throw AnonymousPipeMessage.violation("something out of order")
        }
    }

    /// Reads the listener's proof; waits while it is not whole.
    private func readProof(_ id: [UInt8]) throws(NaruError) -> OpeningStep {
        guard let reading else { return finish() }
        return try reader.read(reading, id: id) == nil ? .wait(reading, .readable) : finish()
    }

    private func finish() -> OpeningStep {
        state = .ended
        return .done(
            Lanes(
                writing: writing, reading: reading, configuration: configuration.stream, reactor: request.reactor,
                transport: .pipe))
    }
}
