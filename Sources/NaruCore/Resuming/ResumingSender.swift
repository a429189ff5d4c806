// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// A sender whose stream of messages outlives its link: when the connection is lost it dials again, with pauses that
/// grow from 10 ms to a second, asks how far the receiver has come, and sends the rest. Each message is taken once, in
/// order, as long as both processes live; a process that starts again begins a stream of its own.
///
/// It keeps a copy of every message that is not known to be taken, within ``Resumption/resumeBytes``. One user at a
/// time, as ``Sender``. The other end is a ``ResumingReceiver``.
public final class ResumingSender {
    private let runtime: Runtime
    private let address: Address
    private let request: LinkRequest
    private let policy: Resumption
    private let stream = LinkID.random()
    private let pauses = Mailbox<Never>()
    private var channel: Channel?
    private var kept = KeptMessages()
    private var wasConnected = false
    /// Until when a lost receiver is looked for.
    private var patience = Deadline.never
    private var failure: NaruError?

    /// How often the connection was lost and made again.
    public private(set) var reconnections = 0
    /// How many messages the receiver is known to have taken.
    public var taken: UInt64 { kept.taken }
    /// How many messages were accepted.
    public var accepted: UInt64 { kept.total }
    /// Why the present link's transport carries it; `nil` while there is no link.
    public var decision: Decision? { channel?.decision }

    init(_ runtime: Runtime, _ address: Address, _ request: LinkRequest, _ policy: Resumption) {
        self.runtime = runtime
        self.address = address
        self.request = request.duplex
        self.policy = policy
    }

    deinit {
        close()
    }

    /// Sends a copy of `bytes`; waits for room among what is kept, and for the connection where it is lost.
    /// - Throws: ``NaruError/Code/deadlineExceeded`` and ``NaruError/Code/cancelled``, and then the message was not
    ///   sent; ``NaruError/Code/unreachable`` when the receiver did not come back; ``NaruError/Code/peerVanished`` when
    ///   it was restarted; why the link closed otherwise. After these the sender is of no more use; the reason says
    ///   which messages are not known to be taken.
    public func send(_ bytes: RawSpan, deadline: Deadline = .never) async throws(NaruError) {
        try await send([UInt8](copying: bytes), deadline: deadline)
    }

    /// Sends an array. As ``send(_:deadline:)-(RawSpan,_)``.
    public func send(_ bytes: [UInt8], deadline: Deadline = .never) async throws(NaruError) {
        try check("send")
        while kept.count > 0, kept.byteCount + bytes.count > policy.resumeBytes {
            try await awaitAcknowledgement(deadline)
        }
        kept.append(bytes)
        do {
            try await pump(deadline)
        } catch {
            if error.code == .deadlineExceeded || error.code == .cancelled, !kept.takeBack() {
                return  // It is with the link already.
            }
            throw error
        }
    }

    /// Returns when the receiver has taken everything that was sent.
    /// - Throws: as ``send(_:deadline:)-(RawSpan,_)``; after ``NaruError/Code/deadlineExceeded`` it may be called
    ///   again.
    public func awaitTaken(deadline: Deadline = .never) async throws(NaruError) {
        try check("wait")
        while kept.count > 0 { try await awaitAcknowledgement(deadline) }
    }

    /// Says that nothing more will come, and returns when the receiver has taken everything.
    /// - Throws: as ``send(_:deadline:)-(RawSpan,_)``; after ``NaruError/Code/deadlineExceeded`` it may be called
    ///   again.
    public func finish(deadline: Deadline = .never) async throws(NaruError) {
        try await awaitTaken(deadline: deadline)
        try await pump(deadline)
        guard let channel else { return }
        do {
            try await channel.sender.finish(deadline: deadline)
        } catch {
            // Everything was taken, as the receiver said; what was lost is that there is no more. One that has gone
            // meanwhile needs not to hear it.
            guard Resumption.mayComeBack(error) else { throw error }
            lose()
            do {
                try await connect(until: min(deadline, patience))
            } catch {
                if error.code == .unreachable { return }
                throw error
            }
            return try await finish(deadline: deadline)
        }
    }

    /// Ends the stream where it is. Idempotent.
    public func close() {
        channel?.close()
        channel = nil
        if failure == nil {
            failure = NaruError(
                .closed, operation: "send", object: address.description, reason: "this end closed the sender")
        }
    }

    // MARK: The connection

    /// Makes the first connection.
    func connect(deadline: Deadline) async throws(NaruError) {
        try await connect(until: deadline)
    }

    private func check(_ operation: String) throws(NaruError) {
        if let failure { throw failure }
    }

    /// Gives the present link what it has not been given; makes a new one where it is lost.
    private func pump(_ deadline: Deadline) async throws(NaruError) {
        while true {
            do {
                guard let channel else {
                    try await connect(until: min(deadline, patience))
                    continue
                }
                try absorb(channel)
                while let next = kept.next {
                    try await channel.sender.send(next, deadline: deadline)
                    kept.give()
                    // What the receiver says must find room, or it stops receiving.
                    if kept.given % 64 == 0 { try absorb(channel) }
                }
                return
            } catch {
                // Nobody was found until the caller's deadline; there may be somebody for the next call.
                if error.code == .unreachable, deadline.isPast, !patience.isPast {
                    throw NaruError(
                        .deadlineExceeded, operation: "send", object: address.description, reason: error.reason)
                }
                try recover(error)
            }
        }
    }

    /// Waits until the receiver says that it has taken more.
    private func awaitAcknowledgement(_ deadline: Deadline) async throws(NaruError) {
        let before = kept.taken
        try await pump(deadline)
        // What had come already may have been the last.
        guard kept.taken == before, kept.count > 0, let channel else { return }
        var numbers: [UInt64?] = []
        do {
            let isOpen: Void? = try await channel.receiver.receive(deadline: deadline) { view in
                numbers.append(ResumeAcknowledgement.taken(view.bytes))
            }
            if isOpen == nil { throw Self.gone(address) }
            try release(numbers)
        } catch {
            try recover(error as? NaruError ?? Self.gone(address))
        }
    }

    /// Takes the acknowledgements that have come.
    private func absorb(_ channel: Channel) throws(NaruError) {
        var numbers: [UInt64?] = []
        do {
            while try channel.receiver.drain(max: 64, { numbers.append(ResumeAcknowledgement.taken($0.bytes)) }) > 0 {}
        } catch {
            throw error as? NaruError ?? Self.gone(address)
        }
        try release(numbers)
    }

    private func release(_ numbers: [UInt64?]) throws(NaruError) {
        for number in numbers {
            guard let number, kept.release(through: number) else {
                throw NaruError(
                    .protocolViolation, operation: "send", object: address.description,
                    reason: "the receiver says that it has taken what it was not given")
            }
        }
    }

    /// Goes on after an error that the network may have made; others end the sender, unless it may be used again.
    private func recover(_ error: NaruError) throws(NaruError) {
        switch error.code {
        case .deadlineExceeded, .cancelled: throw error
        case _ where channel != nil && Resumption.mayComeBack(error): lose()
        default:
            let rest =
                kept.count > 0
                ? "; messages \(kept.taken + 1) to \(kept.total) are not known to be taken" : "; everything was taken"
            let last = NaruError(
                error.code, operation: error.operation, object: error.object, reason: error.reason + rest,
                errno: error.errno, remedy: error.remedy)
            close()
            failure = last
            throw last
        }
    }

    private func lose() {
        channel?.close()
        channel = nil
        reconnections += 1
        patience = .after(policy.patience)
    }

    /// Dials until there is a link on which the receiver has said how far it is.
    private func connect(until deadline: Deadline) async throws(NaruError) {
        var pause = Duration.milliseconds(10)
        while true {
            do {
                let channel = try await runtime.channel(address, request, deadline: deadline)
                try await greet(channel, deadline)
                self.channel = channel
                wasConnected = true
                return
            } catch {
                let isBrief =
                    Resumption.mayComeBack(error) || error.code == .busy || error.code == .deadlineExceeded
                guard isBrief, !deadline.isPast else { throw error }
            }
            _ = try await pauses.wait(
                deadline: min(deadline, .after(pause)), reactor: runtime.reactor, "connect", address.description)
            pause = min(pause * 2, .seconds(1))
        }
    }

    private func greet(_ channel: Channel, _ deadline: Deadline) async throws(NaruError) {
        let greeting = ResumeGreeting(
            stream: stream, taken: kept.taken, resumeBytes: UInt64(policy.resumeBytes))
        try await channel.send(greeting.bytes, deadline: deadline)
        let said: [UInt8]?
        do {
            said = try await channel.receive(deadline: deadline) { [UInt8](copying: $0.bytes) }
        } catch {
            throw error as? NaruError ?? Self.gone(address)
        }
        guard let said else { throw Self.gone(address) }
        guard let answer = ResumeAnswer(said) else {
            throw NaruError(
                .protocolViolation, operation: "connect", object: address.description,
                reason: "the other end does not resume", remedy: "use a resuming receiver there")
        }
        guard answer.isKnown || !wasConnected else {
            throw NaruError(
                .protocolViolation, operation: "connect", object: address.description,
                reason: "the receiver was restarted, and a process that starts again knows nothing of the stream",
                remedy: "begin a new stream with what it has not taken")
        }
        guard kept.restart(after: answer.taken) else {
            throw NaruError(
                .protocolViolation, operation: "connect", object: address.description,
                reason: "the receiver says that it has taken through \(answer.taken), of \(kept.total)")
        }
    }

    private static func gone(_ address: Address) -> NaruError {
        NaruError(
            .peerVanished, operation: "send", object: address.description,
            reason: "the receiver closed its end of the link")
    }
}
