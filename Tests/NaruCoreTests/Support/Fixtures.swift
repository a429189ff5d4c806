// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem

@testable import NaruCore

/// A capability record that permits everything a test does not forbid.
func record(
    _ name: TransportName, localities: [Locality] = [.sameProcess, .relatedProcess, .sameHost],
    availability: Availability = .available
) -> CapabilityRecord {
    CapabilityRecord(
        transport: name, localities: localities, directions: [.simplex, .duplex], properties: [.confirmed],
        agreements: [.negotiated], maximumRecordBytes: nil, maximumMessageBytes: nil, loans: .copied,
        survivesSenderDeath: true, sealed: false, waitModes: [.latency, .balanced, .power], overflow: [.block],
        requiresSameUser: false, sharedNamespaces: [], availability: availability)
}

/// A process on a host of its own invention.
func claim(_ image: String, boot: String = "boot", process: Int32 = 1) -> ProcessClaim {
    ProcessClaim(
        image: image, processID: process, startTime: 7,
        host: HostIdentity(bootID: boot, namespaces: ["net": "net:[1]", "ipc": "ipc:[2]"]))
}

/// One end of a handshake without a process.
func end(
    _ role: Role, name: String = "frames", records: [CapabilityRecord] = [record(.sharedMemory), record(.unixSocket)],
    requirements: Requirements = Requirements(), compression: Compression = .auto, codecs: [String] = [],
    image: String? = nil, requires: [String] = [], versions: ClosedVersionRange = .current, sends: Bool? = nil,
    codecFeatures: [String: [String]]? = nil
) -> HandshakeMachine.End {
    let sends = sends ?? (role == .dialer)
    return HandshakeMachine.End(
        role: role,
        hello: Hello(
            versions: versions, requires: requires, name: name,
            process: claim(image ?? role.rawValue, process: role == .dialer ? 1 : 2), records: records, codecs: codecs,
            requirements: requirements, compression: compression, sends: sends, receives: !sends,
            codecFeatures: codecFeatures),
        costs: .shipped, related: false)
}

/// Two machines that talk to each other without a wire, and what became of them.
struct Conversation {
    var dialer: HandshakeMachine
    var listener: HandshakeMachine
    /// Transports whose opening fails, at the end named.
    var failing: [TransportName: Role] = [:]
    private(set) var established: [Role: (Agreement, Decision)] = [:]
    private(set) var failures: [Role: NaruError] = [:]
    private(set) var opened: [TransportName] = []

    init(_ dialer: HandshakeMachine.End, _ listener: HandshakeMachine.End) {
        self.dialer = HandshakeMachine(dialer)
        self.listener = HandshakeMachine(listener)
    }

    mutating func run() {
        perform(.listener, listener.handle(.started))
        perform(.dialer, dialer.handle(.started))
    }

    private mutating func feed(_ role: Role, _ event: HandshakeMachine.Event) {
        switch role {
        case .dialer: perform(.dialer, dialer.handle(event))
        case .listener: perform(.listener, listener.handle(event))
        }
    }

    private mutating func perform(_ role: Role, _ actions: [HandshakeMachine.Action]) {
        let other: Role = role == .dialer ? .listener : .dialer
        for action in actions {
            switch action {
            case .send(let message): feed(other, .message(message, sameUser: true))
            case .open(let agreement):
                if role == .dialer { opened.append(agreement.transport) }
                if failing[agreement.transport] == role {
                    feed(
                        role,
                        .openingFailed(
                            NaruError(
                                .resourceExhausted, operation: "open", object: "\(agreement.transport)",
                                reason: "no room", remedy: "make room")))
                } else {
                    feed(role, .opened)
                }
            case .establish(let agreement, let decision): established[role] = (agreement, decision)
            case .fail(let error): failures[role] = error
            case .deliver, .abandonOpening, .note: break
            }
        }
    }
}
