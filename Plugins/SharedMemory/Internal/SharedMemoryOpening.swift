// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruRing
internal import NaruSystem

/// One end's half of opening a link over shared memory.
///
/// Each end announces the ring that it sends through, if it sends, and then waits for the other's, if it receives. The
/// proof is the object: the reader maps the memory and finds the nonce in it that the writer announced.
final class SharedMemoryOpening: Opening {
    private enum State { case announcing(OpeningMessage), waiting, done }

    private let request: OpeningRequest
    private let offers: MemoryOffers?
    private var state: State
    private var lanes = Lanes()

    /// Makes the ring that this end sends through, where it sends.
    init(
        _ request: OpeningRequest, _ configuration: SharedMemoryConfiguration, _ budget: SharedMemoryBudget
    ) throws(NaruError) {
        self.request = request
        offers = request.port.map {
            MemoryOffers(request, port: $0, maximumRingBytes: configuration.maximumRingBytes, budget: budget)
        }
        lanes.mailbox = offers
        guard request.sends else {
            state = .waiting
            return
        }
        let (header, ring) = try Self.makeRing(request, configuration, budget)
        lanes.outbound = RingOutboundLane(
            ring.memory, name: Self.name, peerBell: request.peerBell, growth: offers?.growth, slots: offers?.source)
        state = .announcing(
            OpeningMessage(
                bytes: RingAnnouncement.encode(header), descriptors: [ring.files.data, ring.files.control]))
    }

    /// A ring for the link's messages; where the budget does not permit it, the smallest, if nobody asked for a size.
    private static func makeRing(
        _ request: OpeningRequest, _ configuration: SharedMemoryConfiguration, _ budget: SharedMemoryBudget
    ) throws(NaruError) -> (RingHeader, (files: MemoryFiles, memory: RingMemory)) {
        let ringBytes = try configuration.ringBytes(messageBytes: request.agreement.requirements.messageBytes)
        let smallest = configuration.ringBytes ?? SharedMemoryConfiguration.minimumAutomaticRingBytes
        do throws(NaruError) {
            let header = RingHeader(ringBytes: ringBytes, link: request.agreement.link)
            return (header, try RingFiles.create(header, budget))
        } catch where error.code == .resourceExhausted && ringBytes > smallest {
            let header = RingHeader(ringBytes: smallest, link: request.agreement.link)
            return (header, try RingFiles.create(header, budget))
        }
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        switch (state, event) {
        case (.announcing(let message), .proceed):
            // From here on only the message holds the descriptors.
            state = .waiting
            return .send(message)
        case (.waiting, .proceed):
            return request.receives ? .receive : finish()
        case (.waiting, .message(let message)) where request.receives:
            lanes.inbound = try receive(message)
            return finish()
        case (_, .message):
            throw violation("a message that nobody waits for")
        case (.done, .proceed):
            throw NaruError(.invalidArgument, operation: "open", object: Self.name, reason: "the lanes were given")
        }
    }

    private func finish() -> OpeningStep {
        defer { lanes = Lanes() }
        state = .done
        return .done(lanes)
    }

    private func receive(_ message: OpeningMessage) throws(NaruError) -> RingInboundLane {
        let header = try RingAnnouncement.decode(message.bytes)
        guard header.link == request.agreement.link else { throw violation("a ring of another link") }
        let memory = try RingFiles.map(try MemoryFiles(message), expecting: header, owner: request.peer.userID)
        return RingInboundLane(
            memory, name: Self.name, peerBell: request.peerBell, successors: offers?.successors, shelf: offers?.shelf)
    }

    private static var name: String { TransportName.sharedMemory.rawValue }

    private func violation(_ what: String) -> NaruError {
        NaruError(.protocolViolation, operation: "open", object: Self.name, reason: "the peer sent \(what)")
    }
}
