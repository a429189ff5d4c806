// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@testable import NaruCore

/// One end of a link spoken by hand over its socket: an honest handshake, of which a test changes what it likes.
///
/// Blocks the calling thread, a bounded time for each frame.
final class RawEnd {
    /// A frame on its way, its length first.
    struct Outgoing {
        var bytes: [UInt8]
        var descriptors: [Descriptor] = []

        init(_ frame: ControlFrame, descriptors: [Descriptor] = []) throws {
            bytes = try frame.encoded()
            self.descriptors = descriptors
        }

        init(bytes: [UInt8]) { self.bytes = bytes }
    }

    let socket: Descriptor
    /// What becomes of each frame that this end sends, by its number from 0.
    var tamper: (Int, Outgoing) -> [Outgoing] = { [$1] }
    /// How many frames it sent, before tampering.
    private(set) var sent = 0
    private(set) var isUp = false
    /// Whether the other end has said that something will not do.
    private(set) var isRejected = false
    private(set) var lanes = Lanes()
    private(set) var agreement: Agreement?

    private let role: Role
    private let hello: Hello
    /// What it proposed, as a dialer.
    private(set) var proposal: Proposal?
    private let own: Runtime
    private let transport: any Transport
    private var machine: HandshakeMachine
    private var opening: (any Opening)?
    private var wantsMessage = false
    private var messages: [OpeningMessage] = []
    private var hasFailed = false
    private var reader = ControlFrameReader()
    private var descriptors: [Descriptor] = []

    /// - Parameter own: Says what this end says of itself.
    init(_ role: Role, _ socket: Descriptor, _ own: Runtime, _ transport: any Transport, name: String) {
        self.role = role
        self.socket = socket
        self.own = own
        self.transport = transport
        let isDialer = role == .dialer
        hello = own.hello(name: name, LinkRequest(), sends: isDialer, receives: !isDialer)
        machine = HandshakeMachine(HandshakeMachine.End(role: role, hello: hello, costs: own.costs, related: false))
    }

    /// Runs the handshake until the link is up, the other end hangs up, or one has failed.
    func run() throws {
        try perform(machine.handle(.started))
        while !isUp, !hasFailed, let frame = try next() { try handle(frame) }
    }

    /// Says once more what it said already.
    func sayHello() throws { try send(Outgoing(.message(.hello(hello)))) }
    func proposeAgain() throws { try send(Outgoing(.message(.propose(try #require(proposal))))) }

    /// Reads on until the other end hangs up or rejects; `false` when it does neither.
    func isTurnedAway() throws -> Bool {
        while !isRejected {
            guard let frame = try next() else { return true }
            noteRejection(frame)
        }
        return true
    }

    private func noteRejection(_ frame: ControlFrame) {
        switch frame {
        case .message(.reject), .message(.refuse): isRejected = true
        default: break
        }
    }

    private func handle(_ frame: ControlFrame) throws {
        noteRejection(frame)
        switch frame {
        case .message(let message): try perform(machine.handle(.message(message, sameUser: true)))
        case .opening(let link, let bytes, let count):
            messages.append(OpeningMessage(bytes: bytes, descriptors: Array(descriptors.prefix(count))))
            descriptors.removeFirst(min(count, descriptors.count))
            try perform(machine.handle(.opening(link)))
        default: break
        }
    }

    private func perform(_ actions: [HandshakeMachine.Action]) throws {
        for action in actions {
            switch action {
            case .send(let message):
                if case .propose(let proposal) = message { self.proposal = proposal }
                try emit(Outgoing(.message(message)))
            case .open(let agreement):
                self.agreement = agreement
                let bell = SilentBell()
                let identity = ProcessIdentity.current
                opening = try transport.open(
                    OpeningRequest(
                        agreement: agreement, role: role, peerBell: bell, ownBell: bell,
                        peer: PeerCredentials(
                            processID: identity.processID, userID: HostInformation.userID, groupID: 0),
                        reactor: own.reactor))
                try step(.proceed)
            case .deliver: if wantsMessage { try step(.message(messages.removeFirst())) }
            case .abandonOpening: opening = nil
            case .establish: isUp = true
            case .fail: hasFailed = true
            case .note: break
            }
        }
    }

    private func step(_ first: OpeningEvent) throws {
        var event = first
        wantsMessage = false
        while let opening {
            let step: OpeningStep
            do {
                step = try opening.advance(event)
            } catch {
                // The other end has given the link up already.
                hasFailed = true
                return
            }
            switch step {
            case .send(let message):
                let link = try #require(agreement).link
                try emit(
                    Outgoing(
                        .opening(link, message.bytes, descriptorCount: message.descriptors.count),
                        descriptors: message.descriptors))
            case .receive:
                guard !messages.isEmpty else {
                    wantsMessage = true
                    return
                }
                event = .message(messages.removeFirst())
                continue
            case .wait(let descriptor, let events):
                try #require(try !descriptor.poll(events, deadline: .after(.seconds(20))).isEmpty)
            case .done(let opened):
                lanes = opened
                self.opening = nil
                return try perform(machine.handle(.opened))
            }
            event = .proceed
        }
    }

    private func emit(_ outgoing: Outgoing) throws {
        defer { sent += 1 }
        for outgoing in tamper(sent, outgoing) { try send(outgoing) }
    }

    /// Sends one frame, or what a test made of it; nothing when the other end is gone.
    /// - Returns: whether it could be sent.
    @discardableResult
    func send(_ outgoing: Outgoing) throws -> Bool {
        var offset = 0
        while offset < outgoing.bytes.count {
            let rest = Array(outgoing.bytes[offset...])
            do {
                // The bytes are the callee's for the call only.
                let result = unsafe try rest.withUnsafeBytes {
                    unsafe try UnixSocket.send(
                        socket, $0, descriptors: offset == 0 ? outgoing.descriptors : [], credentials: true)
                }
                if case .bytes(let count) = result {
                    offset += count
                } else {
                    try #require(try !socket.poll(.writable, deadline: .after(.seconds(20))).isEmpty)
                }
            } catch let error as SystemError {
                if [SystemErrno.brokenPipe, SystemErrno.connectionReset].contains(error.errno) { return false }
                throw error
            }
        }
        return true
    }

    /// The other end's next frame; `nil` when it has hung up.
    func next() throws -> ControlFrame? {
        while true {
            if let frame = try reader.next() { return frame }
            try #require(try !socket.poll(.readable, deadline: .after(.seconds(20))).isEmpty, "the other end is silent")
            var buffer = [UInt8](repeating: 0, count: 16_384)
            // The buffer is the callee's for the call only, and then read.
            let isOver = unsafe buffer.withUnsafeMutableBytes { buffer in
                guard
                    let received = unsafe try? UnixSocket.receive(
                        socket, into: buffer, maximumDescriptors: ControlFrame.maximumDescriptors)
                else { return true }
                guard case .bytes(let count) = received.result else { return received.result == .endOfFile }
                unsafe reader.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                descriptors += received.descriptors
                return false
            }
            if isOver { return nil }
        }
    }

    func close() {
        lanes.outbound?.close()
        lanes.inbound?.close()
        socket.close()
    }
}

struct SilentBell: Bell {
    func ring() {}
}
