// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem

@testable import NaruCore

/// The input says what the two ends want, and then step by step what happens to them and to the messages between them.
enum HandshakeFuzz {
    static func run(_ bytes: [UInt8]) throws(Finding) {
        var input = Input(bytes)
        let wishes = (input.byte(), input.byte())
        var talk = HandshakeTalk(
            end(.dialer, wishes.0), end(.listener, wishes.1),
            [memos[Int(wishes.0 >> 6)], memos[4 + Int(wishes.1 >> 6)]])
        try talk.start()
        for _ in 0..<200 where !input.isEmpty { try talk.step(&input) }
    }

    /// Those of the processes that the ends could be of: each end with each choice of codecs. Shared by all talks, so
    /// that honest messages cost little: a memo never changes what a message means.
    private static let memos = (0..<8).map { _ in HandshakeMemo() }

    /// An end whose wishes are the bits of a byte.
    static func end(_ role: Role, _ wishes: UInt8) -> HandshakeMachine.End {
        let channel = wishes & 1 != 0
        let sends = (role == .dialer) != (wishes & 2 != 0)
        var requirements = Requirements()
        if channel { requirements.direction = .duplex }
        if wishes & 4 != 0 { requirements.deny = [.sharedMemory] }
        if wishes & 8 != 0 { requirements.must = [.confidential] }
        let compressions: [Compression] = [.auto, .off, .forced("zstd", level: 3), .forced("zstd", history: false)]
        let codecs = wishes & 64 != 0 ? ["zstd"] : []
        return HandshakeMachine.End(
            role: role,
            hello: Hello(
                versions: .current, requires: [], name: "frames",
                process: ProcessClaim(
                    image: role.rawValue, processID: 7, startTime: 9,
                    host: HostIdentity(bootID: "boot", namespaces: ["net": "net:[1]"])),
                records: [record(.sharedMemory), record(.unixSocket), record(.inProcess)], codecs: codecs,
                requirements: requirements, compression: compressions[Int(wishes >> 4 & 3)], sends: channel || sends,
                receives: channel || !sends,
                codecFeatures: wishes & 128 != 0 ? ["zstd": [CodecFeature.history]] : nil),
            costs: .shipped, related: false)
    }

    private static func record(_ name: TransportName) -> CapabilityRecord {
        CapabilityRecord(
            transport: name, localities: name == .inProcess ? [.sameProcess] : [.sameProcess, .sameHost],
            directions: [.simplex, .duplex], properties: [.confidential, .confirmed], maximumRecordBytes: 65536,
            survivesSenderDeath: true)
    }
}

/// Two machines, the messages on their way, and what must hold of what the machines do.
struct HandshakeTalk {
    private struct Side {
        var machine: HandshakeMachine
        let memo: HandshakeMemo
        /// Encoded, as they travel.
        var inbox: [[UInt8]] = []
        var current: Agreement?
        var established: Agreement?
        var opened = 0
        var hasEnded = false
        let records: Int

        init(_ end: HandshakeMachine.End, _ memo: HandshakeMemo) {
            machine = HandshakeMachine(end)
            self.memo = memo
            records = end.hello.records.count
        }
    }

    private var sides: [Side]
    private var isHonest = true

    init(_ dialer: HandshakeMachine.End, _ listener: HandshakeMachine.End, _ memos: [HandshakeMemo]) {
        sides = [Side(dialer, memos[0]), Side(listener, memos[1])]
    }

    mutating func start() throws(Finding) {
        for side in [1, 0] { try feed(side, .started) }
    }

    /// What a step does.
    enum Step: UInt8, CaseIterable {
        case deliver, settle, opened, failed, opening, drop, duplicate, tamper, inject
    }

    mutating func step(_ input: inout Input) throws(Finding) {
        let byte = input.byte()
        let side = Int(byte & 1)
        switch Step(rawValue: (byte >> 1) % UInt8(Step.allCases.count)) ?? .deliver {
        case .deliver: try deliver(side)
        case .settle: try settle()
        case .opened: try feed(side, .opened)
        case .failed:
            try feed(side, .openingFailed(NaruError(.system, operation: "open", object: "x", reason: "no room")))
        case .opening:
            let link = input.byte() == 0 ? sides[side].current?.link : nil
            try feed(side, .opening(link ?? LinkID(high: 1, low: 2)))
        case .drop:
            isHonest = false
            if !sides[side].inbox.isEmpty { sides[side].inbox.removeFirst() }
        case .duplicate:
            isHonest = false
            if let first = sides[side].inbox.first, sides[side].inbox.count < 64 {
                sides[side].inbox.insert(first, at: 0)
            }
        case .tamper:
            isHonest = false
            let (place, change) = (Int(input.number(2)), input.byte())
            if let count = sides[side].inbox.first?.count, count > 0 { sides[side].inbox[0][place % count] ^= change }
        case .inject:
            isHonest = false
            sides[side].inbox.insert(input.bytes(Int(input.number(2))), at: 0)
        }
    }

    /// Lets everything take its course.
    private mutating func settle() throws(Finding) {
        for _ in 0..<20 where !sides[0].inbox.isEmpty || !sides[1].inbox.isEmpty {
            for side in 0..<2 {
                try deliver(side)
                if sides[side].current != nil, !sides[side].hasEnded { try feed(side, .opened) }
            }
        }
    }

    private mutating func deliver(_ side: Int) throws(Finding) {
        guard let body = sides[side].inbox.first else { return }
        sides[side].inbox.removeFirst()
        switch outcome({ () throws(NaruError) in try ControlFrame(body: body[...], sides[side].memo) }) {
        case .failure(let error): try require(error, isOneOf: .protocolViolation)
        case .success(.message(let message)): try feed(side, .message(message, sameUser: true))
        case .success: break
        }
    }

    private mutating func feed(_ side: Int, _ event: HandshakeMachine.Event) throws(Finding) {
        let actions = sides[side].machine.handle(event)
        let hadEnded = sides[side].hasEnded
        for action in actions {
            if hadEnded {
                guard case .fail = action else { throw Finding(description: "an end that is done does \(action)") }
            }
            try perform(side, action)
        }
        let (one, other) = (sides[0].established, sides[1].established)
        if isHonest, let one, let other { try require(one == other, "two agreements: \(one) and \(other)") }
    }

    private mutating func perform(_ side: Int, _ action: HandshakeMachine.Action) throws(Finding) {
        switch action {
        case .send(let message):
            let frame = ControlFrame.message(message)
            try FramesFuzz.roundTrip(frame, sides[side].memo)
            guard case .success(let encoded) = outcome({ () throws(NaruError) in try frame.encoded(sides[side].memo) })
            else { return }
            if sides[1 - side].inbox.count < 64 { sides[1 - side].inbox.append(Array(encoded.dropFirst(4))) }
        case .open(let agreement):
            sides[side].current = agreement
            sides[side].opened += 1
            // Each attempt takes a candidate away.
            try require(
                sides[side].opened <= sides[side].records,
                "\(sides[side].opened) openings with \(sides[side].records) transports")
        case .deliver: try require(sides[side].current != nil, "a message for an opening that there is not")
        case .abandonOpening: sides[side].current = nil
        case .establish(let agreement, let decision):
            try require(agreement == sides[side].current, "established is not what was opened")
            try require(
                decision.candidates.contains { $0.transport == agreement.transport && $0.verdict != .refused },
                "\(agreement.transport) was refused and established")
            sides[side].established = agreement
            sides[side].hasEnded = true
        case .fail(let error):
            try require(!error.reason.isEmpty, "an error without a reason")
            sides[side].hasEnded = true
        case .note: break
        }
    }
}
