// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruStream
internal import NaruSystem

/// The listener's opening: makes the pipes, opens its ends, and removes the names once the dialer has opened its own.
final class NamedPipeListening: Opening {
    private enum State {
        case beginning, announced
        case awaitingNote
        case made(dialer: [UInt8])
        case awaitingPeer(dialer: [UInt8])
        case awaitingProof(id: [UInt8])
        case answered, ended
    }

    private let request: OpeningRequest
    private let configuration: NamedPipeConfiguration
    private let paths: NamedPipePaths
    private let proof = StreamProof()
    private var reader = StreamProofReader(.pipe, transport: .fifo)
    private var objects: [NamedPipeObject] = []
    private var reading: Descriptor?
    private var writing: Descriptor?
    private var state = State.beginning

    init(_ request: OpeningRequest, _ configuration: NamedPipeConfiguration) throws(NaruError) {
        self.request = request
        self.configuration = configuration
        paths = NamedPipePaths(
            folder: try request.directories.usable(),
            names: (0..<request.pipeCount).map { _ in NamedPipeName.random() })
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        switch (state, event) {
        case (.beginning, .proceed):
            state = .announced
            return .send(NamedPipeMessage.names(id: proof.id, paths))
        case (.announced, .proceed):
            state = .awaitingNote
            return .receive
        case (.awaitingNote, .message(let message)):
            let id = try NamedPipeMessage.parseWord(message)
            try make()
            state = .made(dialer: id)
            return .send(NamedPipeMessage.objects(objects))
        case (.made(let id), .proceed):
            state = .awaitingPeer(dialer: id)
            return .receive
        case (.awaitingPeer(let id), .message(let message)):
            try NamedPipeMessage.parseStep(message)
            try complete()
            guard request.receives else { return answer([UInt8](repeating: 0, count: StreamProof.wordBytes)) }
            state = .awaitingProof(id: id)
            return try readProof(id)
        case (.awaitingProof(let id), .proceed):
            return try readProof(id)
        case (.answered, .proceed):
            state = .ended
            return .done(NamedPipeEnd.lanes(writing: writing, reading: reading, request, configuration))
        default:
            throw NamedPipeMessage.violation("something out of order")
        }
    }

    /// Makes the pipes, exclusively, and opens the one that this end reads from. To open one for writing somebody must
    /// read it.
    private func make() throws(NaruError) {
        NamedPipeName.removeDead(in: paths.folder)
        for index in 0..<request.pipeCount {
            do throws(SystemError) {
                try FileSystem.makeFIFO(paths.path(index), permissions: 0o600)
                let status = try FileSystem.status(paths.path(index), followingSymbolicLinks: false)
                objects.append(NamedPipeObject(device: status.device, inode: status.inode))
            } catch {
                throw NaruError(error, operation: "open", object: TransportName.fifo.rawValue)
            }
        }
        guard request.receives else { return }
        let index = request.readIndex
        reading = try NamedPipeEnd.open(paths.path(index), .read, expecting: objects[index]).end
    }

    /// The dialer has opened its ends: opens the one that this end writes to. Now nobody needs the names.
    private func complete() throws(NaruError) {
        if request.sends {
            let index = request.writtenIndex
            writing = try NamedPipeEnd.open(paths.path(index), .write, expecting: objects[index]).end
        }
        paths.remove()
        if let writing { try proof.write(to: writing, .pipe, transport: .fifo) }
    }

    /// Reads the dialer's proof and answers it; waits while it is not whole.
    private func readProof(_ id: [UInt8]) throws(NaruError) -> OpeningStep {
        guard let reading else { throw NamedPipeMessage.violation("something out of order") }
        guard let theirs = try reader.read(reading, id: id) else { return .wait(reading, .readable) }
        return answer(theirs.secret)
    }

    private func answer(_ secret: [UInt8]) -> OpeningStep {
        state = .answered
        return .send(NamedPipeMessage.word(secret))
    }
}
