// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruRing
internal import NaruSystem

/// What the lanes of the two ends say to each other while the link is up: offers of larger rings, and their answers.
///
///      offset  size
///           0     1  what: 1 offer, 2 accepted, 3 declined
///           1     8  the offer's number, least significant byte first
///           9    64  an offer's announcement, see RingAnnouncement; its two descriptors come along
struct RingOffers: LaneMailbox {
    private enum What: UInt8 { case offer = 1, accepted, declined }

    private let port: any LanePort
    private let link: LinkID
    private let owner: UInt32
    /// The growth of this end's outbound ring, where it has one that may grow.
    let growth: RingGrowth?
    /// Where rings wait for this end's inbound lane, where it has one.
    let successors: RingSuccessors?

    init(_ request: OpeningRequest, port: any LanePort, maximumRingBytes: Int?) {
        self.port = port
        link = request.agreement.link
        owner = request.peer.userID
        successors = request.receives ? RingSuccessors() : nil
        let link = link
        growth =
            if request.sends, let maximumRingBytes {
                RingGrowth(maximumRingBytes: maximumRingBytes) { ringBytes, number throws(NaruError) in
                    let header = RingHeader(ringBytes: ringBytes, link: link)
                    let ring = try RingFiles.create(header)
                    try port.send(
                        OpeningMessage(
                            bytes: Self.message(.offer, number) + RingAnnouncement.encode(header),
                            descriptors: [ring.files.data, ring.files.control]))
                    return ring.memory
                }
            } else {
                nil
            }
    }

    func receive(_ message: OpeningMessage) throws(NaruError) {
        let bytes = message.bytes
        guard bytes.count >= 9, let what = What(rawValue: bytes[0]) else {
            throw violation("a message of \(bytes.count) bytes that is none")
        }
        let number = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[1 + $1]) << (8 * UInt64($1)) }
        switch what {
        case .offer: try accept(number, Array(bytes[9...]), message.descriptors)
        case .accepted, .declined:
            guard let growth, growth.answered(number, accepted: what == .accepted) else {
                throw violation("an answer to an offer that was not made")
            }
        }
    }

    /// Maps a ring that was offered. One that this end has no means for is declined; one that is not what it must be is
    /// a violation.
    private func accept(_ number: UInt64, _ announcement: [UInt8], _ descriptors: [Descriptor]) throws(NaruError) {
        guard let successors else { throw violation("a ring for a lane that does not exist") }
        let header = try RingAnnouncement.decode(announcement)
        guard header.link == link else { throw violation("a ring of another link") }
        let answer: What
        if descriptors.count == 2 {
            let files = RingFiles(data: descriptors[0], control: descriptors[1])
            do throws(NaruError) {
                try successors.keep(try files.map(expecting: header, owner: owner), number)
                answer = .accepted
            } catch where error.code == .protocolViolation {
                throw error
            } catch {
                try successors.decline()
                answer = .declined
            }
        } else if descriptors.isEmpty {
            // This process had no number left for them.
            try successors.decline()
            answer = .declined
        } else {
            throw violation("\(descriptors.count) descriptors instead of 2")
        }
        try port.send(OpeningMessage(bytes: Self.message(answer, number)))
    }

    private static func message(_ what: What, _ number: UInt64) -> [UInt8] {
        [what.rawValue] + (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    private func violation(_ what: String) -> NaruError {
        NaruError(
            .protocolViolation, operation: "receive", object: TransportName.sharedMemory.rawValue,
            reason: "the peer sent \(what)")
    }
}
