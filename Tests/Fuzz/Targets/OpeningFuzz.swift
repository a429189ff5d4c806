// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem

@testable import NaruAnonymousPipe
@testable import NaruCore
@testable import NaruNamedPipe
@testable import NaruRing
@testable import NaruSharedMemory
@testable import NaruStream

/// The input is each of the messages in turn, and then a sequence of offers: a length of one byte, then the bytes.
enum OpeningFuzz {
    static func run(_ bytes: [UInt8]) throws(Finding) {
        switch outcome({ () throws(NaruError) in try unsafe RingHeader(decoding: bytes.span.bytes) }) {
        case .failure(let error): try require(error, isOneOf: .protocolViolation)
        case .success(let header):
            try require(RingLayout.isValid(ringBytes: header.ringBytes), "a ring of \(header.ringBytes) bytes")
            try require(header.encoded == Array(bytes.prefix(RingHeader.byteCount)), "another ring's header")
        }
        switch outcome({ () throws(NaruError) in try RingAnnouncement.decode(bytes) }) {
        case .failure(let error): try require(error, isOneOf: .protocolViolation)
        case .success(let header):
            try require(RingAnnouncement.encode(header) == bytes, "another ring's announcement")
        }
        try pipes(OpeningMessage(bytes: bytes))
        if let proof = StreamProof(record: bytes) { try require(proof.record == bytes, "another proof") }
        try offer(bytes)
    }

    /// What openings of pipes and FIFOs read, and the variable that names inherited links.
    private static func pipes(_ message: OpeningMessage) throws(Finding) {
        try check(outcome { () throws(NaruError) in try NamedPipeMessage.parseNames(message, count: 2).id })
        try check(outcome { () throws(NaruError) in try NamedPipeMessage.parseObjects(message, count: 2) })
        try check(outcome { () throws(NaruError) in try NamedPipeMessage.parseWord(message) })
        try check(outcome { () throws(NaruError) in try NamedPipeMessage.parseStep(message) })
        try check(outcome { () throws(NaruError) in try AnonymousPipeMessage.parseEnds(message, []) })
        try check(outcome { () throws(NaruError) in try AnonymousPipeMessage.parseAnswer(message).id })
        // Numbers are left out: the process has descriptors of its own.
        let text = String(decoding: message.bytes.filter { !(48...57).contains($0) }, as: UTF8.self)
        try require(InheritedEnds.adopt(text).ends.isEmpty, "a link was adopted that nobody passed")
    }

    private static func check<Value>(_ result: Result<Value, NaruError>) throws(Finding) {
        if case .failure(let error) = result { try require(error, isOneOf: .protocolViolation, .unsupported) }
    }

    private static func offer(_ bytes: [UInt8]) throws(Finding) {
        guard let reactor else { preconditionFailure("a thread cannot be started") }
        let terms = [LaneTerms(transport: .sharedMemory)]
        let request = OpeningRequest(
            agreement: Agreement(
                link: link, forward: terms, backward: terms, requirements: Requirements(),
                relation: .assumed(.sameHost)),
            role: .listener, peerBell: DeafBell(), ownBell: DeafBell(),
            peer: PeerCredentials(processID: 1, userID: HostInformation.userID, groupID: 0), reactor: reactor)
        let offers = MemoryOffers(request, port: DeafPort(), maximumRingBytes: 1 << 20, budget: SharedMemoryBudget())
        var input = Input(bytes)
        while !input.isEmpty {
            let message = OpeningMessage(bytes: input.bytes(Int(input.byte())))
            let result = outcome { () throws(NaruError) in try offers.receive(message) }
            if case .failure(let error) = result { try require(error, isOneOf: .protocolViolation) }
        }
    }

    /// The link of the offers.
    static let link = LinkID(high: 1, low: 2)
    private static let reactor = try? Reactor(name: "fuzz")
}

/// A bell that nobody hears.
struct DeafBell: Bell {
    func ring() {}
}

/// A port that nobody listens at.
private struct DeafPort: LanePort {
    func send(_ message: OpeningMessage) throws(NaruError) {}
}
