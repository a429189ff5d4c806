// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruStream
internal import NaruSystem

/// The dialer's opening: opens the pipes that the listener made, proves what it writes to, checks what it reads from.
final class NamedPipeDialing: Opening {
    private enum State {
        case beginning, awaitingNames
        case noted(NamedPipePaths)
        case awaitingObjects(NamedPipePaths)
        case opened(NamedPipePaths)
        case awaitingAnswer(NamedPipePaths)
        case awaitingProof
        case ended
    }

    private let request: OpeningRequest
    private let configuration: NamedPipeConfiguration
    private let proof = StreamProof()
    private var reader = StreamProofReader(.pipe, transport: .fifo)
    private var listenerID: [UInt8] = []
    private var reading: Descriptor?
    private var writing: Descriptor?
    private var state = State.beginning

    init(_ request: OpeningRequest, _ configuration: NamedPipeConfiguration) {
        self.request = request
        self.configuration = configuration
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        switch (state, event) {
        case (.beginning, .proceed):
            state = .awaitingNames
            return .receive
        case (.awaitingNames, .message(let message)):
            let (id, paths) = try NamedPipeMessage.parseNames(message, count: request.pipeCount)
            listenerID = id
            state = .noted(paths)
            return .send(NamedPipeMessage.word(proof.id))
        case (.noted(let paths), .proceed):
            state = .awaitingObjects(paths)
            return .receive
        case (.awaitingObjects(let paths), .message(let message)):
            try open(paths, try NamedPipeMessage.parseObjects(message, count: request.pipeCount))
            state = .opened(paths)
            return .send(NamedPipeMessage.step)
        case (.opened(let paths), .proceed):
            state = .awaitingAnswer(paths)
            return .receive
        case (.awaitingAnswer(let paths), .message(let message)):
            let secret = try NamedPipeMessage.parseWord(message)
            guard !request.sends || secret == proof.secret else {
                throw NamedPipeMessage.violation("a secret that it has not read from the pipe")
            }
            paths.leave()
            guard request.receives else { return finish() }
            state = .awaitingProof
            return try readProof()
        case (.awaitingProof, .proceed):
            return try readProof()
        default:
            throw NamedPipeMessage.violation("something out of order")
        }
    }

    /// Opens this end of each pipe, the one it reads from first: the listener waits for that.
    private func open(_ paths: NamedPipePaths, _ objects: [NamedPipeObject]) throws(NaruError) {
        if request.receives {
            let index = request.readIndex
            reading = try NamedPipeEnd.open(paths.path(index), .read, expecting: objects[index]).end
        }
        if request.sends {
            let index = request.writtenIndex
            let end = try NamedPipeEnd.open(paths.path(index), .write, expecting: objects[index]).end
            try proof.write(to: end, .pipe, transport: .fifo)
            writing = end
        }
    }

    /// Reads the listener's proof; waits while it is not whole.
    private func readProof() throws(NaruError) -> OpeningStep {
        guard let reading else { throw NamedPipeMessage.violation("something out of order") }
        guard try reader.read(reading, id: listenerID) != nil else { return .wait(reading, .readable) }
        state = .ended
        return finish()
    }

    private func finish() -> OpeningStep {
        state = .ended
        return .done(NamedPipeEnd.lanes(writing: writing, reading: reading, request, configuration))
    }
}
