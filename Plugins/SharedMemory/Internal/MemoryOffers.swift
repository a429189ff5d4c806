// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruRing
internal import NaruSystem

/// What the lanes of the two ends say to each other while the link is up: offers of larger rings and of slots, and
/// their answers.
///
///      offset  size
///           0     1  what: 1 offer of a ring, 2 accepted, 3 declined; 4 offer of a slot, 5 accepted, 6 declined
///           1     8  the offer's number, least significant byte first: rings and slots count by themselves
///           9    64  a ring: its announcement, see RingAnnouncement; its two descriptors come along
///           9     8  a slot: its size, bytes, least significant byte first; its two descriptors come along
struct MemoryOffers: LaneMailbox {
    private enum What: UInt8 {
        case ring = 1, ringAccepted, ringDeclined, slot, slotAccepted, slotDeclined
    }

    private let port: any LanePort
    private let link: LinkID
    private let owner: UInt32
    /// The growth of this end's outbound ring, where it has one that may grow, and the source of its slots.
    let growth: RingGrowth?
    let source: RingSlotSource?
    /// Where rings and slots wait for this end's inbound lane, where it has one.
    let successors: RingSuccessors?
    let shelf: RingSlotShelf?

    /// - Parameter maximumRingBytes: Up to how many bytes rings grow; `nil`: memory is fixed, and nothing is offered.
    init(
        _ request: OpeningRequest, port: any LanePort, maximumRingBytes: Int?, budget: SharedMemoryBudget
    ) {
        self.port = port
        link = request.agreement.link
        owner = request.peer.userID
        successors = request.receives ? RingSuccessors() : nil
        shelf = request.receives ? RingSlotShelf() : nil
        guard request.sends, let maximumRingBytes else {
            growth = nil
            source = nil
            return
        }
        let link = link
        growth = RingGrowth(maximumRingBytes: maximumRingBytes) { ringBytes, number throws(NaruError) in
            let header = RingHeader(ringBytes: ringBytes, link: link)
            let ring = try RingFiles.create(header, budget)
            try port.send(Self.message(.ring, number, RingAnnouncement.encode(header), ring.files))
            return ring.memory
        }
        source = RingSlotSource { slotBytes, number throws(NaruError) in
            let slot = try SlotFiles.create(slotBytes: slotBytes, budget)
            try port.send(Self.message(.slot, number, Self.bytes(UInt64(slotBytes)), slot.files))
            return slot.memory
        }
    }

    func receive(_ message: OpeningMessage) throws(NaruError) {
        let bytes = message.bytes
        guard bytes.count >= 9, let what = What(rawValue: bytes[0]) else {
            throw violation("a message of \(bytes.count) bytes that is none")
        }
        let number = Self.word(bytes, 1)
        switch what {
        case .ring:
            let isKept = try keepRing(number, message)
            if !isKept { try successors?.decline() }
            try answer(isKept ? .ringAccepted : .ringDeclined, number)
        case .slot:
            let isKept = try keepSlot(number, message)
            try answer(isKept ? .slotAccepted : .slotDeclined, number)
        case .ringAccepted, .ringDeclined:
            guard let growth, growth.answered(number, accepted: what == .ringAccepted) else { throw unasked }
        case .slotAccepted, .slotDeclined:
            guard let source, source.answered(number, accepted: what == .slotAccepted) else { throw unasked }
        }
    }

    /// Maps a ring that was offered; `false` for one that this end has no means for. One that is not what it must be is
    /// a violation.
    private func keepRing(_ number: UInt64, _ message: OpeningMessage) throws(NaruError) -> Bool {
        guard let successors else { throw violation("a ring for a lane that does not exist") }
        let header = try RingAnnouncement.decode(Array(message.bytes[9...]))
        guard header.link == link else { throw violation("a ring of another link") }
        try successors.admit(ringBytes: header.ringBytes)
        return try accept(message) { files throws(NaruError) in
            try successors.keep(try RingFiles.map(files, expecting: header, owner: owner), number)
        }
    }

    /// Maps a slot that was offered, likewise.
    private func keepSlot(_ number: UInt64, _ message: OpeningMessage) throws(NaruError) -> Bool {
        guard let shelf else { throw violation("a slot for a lane that does not exist") }
        guard message.bytes.count == 17, let slotBytes = Int(exactly: Self.word(message.bytes, 9)) else {
            throw violation("an offer of a slot that is none")
        }
        try shelf.admit(number, slotBytes: slotBytes)
        return try accept(message) { files throws(NaruError) in
            shelf.keep(number, try SlotFiles.map(files, slotBytes: slotBytes, owner: owner))
        }
    }

    /// Runs `keep` on the files that came with a message; `false` where they got lost, or this end has no means for
    /// them.
    private func accept(
        _ message: OpeningMessage, _ keep: (MemoryFiles) throws(NaruError) -> Bool
    ) throws(NaruError) -> Bool {
        if message.descriptors.isEmpty { return false }
        let files = try MemoryFiles(message)
        do throws(NaruError) {
            return try keep(files)
        } catch where error.code == .protocolViolation {
            throw error
        } catch {
            return false
        }
    }

    private func answer(_ what: What, _ number: UInt64) throws(NaruError) {
        try port.send(Self.message(what, number))
    }

    private static func message(
        _ what: What, _ number: UInt64, _ rest: [UInt8] = [], _ files: MemoryFiles? = nil
    ) -> OpeningMessage {
        OpeningMessage(
            bytes: [what.rawValue] + bytes(number) + rest, descriptors: files.map { [$0.data, $0.control] } ?? [])
    }

    private static func bytes(_ word: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }

    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
        (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
    }

    private var unasked: NaruError { violation("an answer to an offer that was not made") }

    private func violation(_ what: String) -> NaruError {
        NaruError(
            .protocolViolation, operation: "receive", object: TransportName.sharedMemory.rawValue,
            reason: "the peer sent \(what)")
    }
}
