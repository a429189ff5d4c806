// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// The listener's opening: says where it waits for the connection, takes it, reads the dialer's proof, and answers it.
final class TCPListening: Opening {
    private enum State {
        case beginning
        case offered
        case awaitingConnection
        case awaitingProof(Descriptor)
        case answered(Descriptor)
        case ended
    }

    private let request: OpeningRequest
    private let configuration: TCPConfiguration
    /// A port for this one connection, where the two ends did not meet at one.
    private let doorway: TCPDoorway?
    private let place: LaneDesk.Place
    private let proof = TCPProof()
    private var reader = TCPProofReader()
    private var state = State.beginning

    init(_ request: OpeningRequest, _ configuration: TCPConfiguration, _ meeting: TCPMeeting?) throws(NaruError) {
        self.request = request
        self.configuration = configuration
        if case .listened(let desk)? = meeting {
            doorway = nil
            place = try naming { () throws(SystemError) in try desk.reserve() }
            return
        }
        let door = try Self.bind(configuration, request.reactor)
        doorway = door
        place = try naming { () throws(SystemError) in try door.desk.reserve() }
        // Nobody is to open control connections here.
        try door.open({ $0.connection.close() }, troubled: { _ in })
    }

    deinit {
        doorway?.close()
    }

    private static func bind(_ configuration: TCPConfiguration, _ reactor: Reactor) throws(NaruError) -> TCPDoorway {
        var problem: NaruError?
        for loopback in InetAddress.loopbacks {
            do throws(NaruError) {
                return try naming { () throws(SystemError) in
                    let socket = try TCPSocket.listen(at: loopback, backlog: 8)
                    return try TCPDoorway(
                        [socket], address: "tcp:\(loopback.host)", configuration: configuration, reactor: reactor)
                }
            } catch {
                problem = error
            }
        }
        throw problem ?? .opening(.unsupported, "this host has no loopback address")
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        switch (state, event) {
        case (.beginning, .proceed):
            state = .offered
            let offer = doorway?.addresses.first.map(TCPOffer.at) ?? TCPOffer.atMeeting
            return .send(OpeningMessage(bytes: [TCPProof.version] + place.token + offer))
        case (.offered, .proceed), (.awaitingConnection, .proceed):
            guard let stream = place.take() else {
                state = .awaitingConnection
                return .wait(place.bell.descriptor, .readable)
            }
            doorway?.close()
            try naming { () throws(SystemError) in try stream.prepareLane(configuration) }
            state = .awaitingProof(stream)
            return try readProof(stream)
        case (.awaitingProof(let stream), .proceed):
            return try readProof(stream)
        case (.answered(let stream), .proceed):
            state = .ended
            return .done(makeLanes(stream, request, configuration))
        default:
            throw .opening(.protocolViolation, "a message of the opening came out of order")
        }
    }

    /// Reads the dialer's proof and answers it; waits while it is not whole.
    private func readProof(_ stream: Descriptor) throws(NaruError) -> OpeningStep {
        guard let theirs = try reader.read(stream) else { return .wait(stream, .readable) }
        if request.sends { try writeWhole(proof.record, stream) }
        state = .answered(stream)
        return .send(OpeningMessage(bytes: [TCPProof.version] + theirs.nonce + proof.nonce))
    }
}
