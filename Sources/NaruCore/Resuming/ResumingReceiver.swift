// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// The other end of a ``ResumingSender``: listens, receives a stream over as many links as it takes, and gives each
/// message once, in order. One user at a time, as ``Receiver``.
public final class ResumingReceiver {
    private let listener: Listener
    private let policy: Resumption
    private var channel: Channel?
    private var stream: LinkID?
    private var acknowledged: UInt64 = 0
    private var unsaidBytes = 0
    private var acknowledgeBytes = 1
    private var loss: (error: NaruError, deadline: Deadline)?
    private var isClosed = false

    /// How many messages of the stream were taken.
    public private(set) var taken: UInt64 = 0
    /// How often a lost link was followed by another.
    public private(set) var reconnections = 0
    /// Whether the sender has finished and everything was taken.
    public private(set) var isFinished = false
    /// Where it listens, with what the kernel chose.
    public var address: String { listener.address }
    /// Why the present link's transport carries it; `nil` while there is no link.
    public var decision: Decision? { channel?.decision }

    /// How long a sender may take to say what it resumes.
    private static let greetingTime = Duration.seconds(10)

    init(_ listener: Listener, _ policy: Resumption) {
        self.listener = listener
        self.policy = policy
    }

    deinit {
        close()
    }

    /// Waits for one message and lends it to `body`.
    /// - Returns: what `body` returned, or `nil` when the sender has finished.
    /// - Throws: what `body` throws: the message is then given again by the next call;
    ///   ``NaruError/Code/deadlineExceeded``, ``NaruError/Code/cancelled``; why the link was lost, when the sender did
    ///   not come back within ``Resumption/patience`` or another one came in its place. The next call then waits for a
    ///   new stream.
    public func receive<R>(
        deadline: Deadline = .never, _ body: (MessageView) throws -> R
    ) async throws -> R? {
        var thrown: (any Error)?
        while !isFinished {
            guard !isClosed else {
                throw NaruError(
                    .closed, operation: "receive", object: listener.address, reason: "this end closed the receiver")
            }
            guard let channel else {
                try await accept(deadline)
                continue
            }
            do {
                var result: R?
                var byteCount = 0
                let number = taken + 1
                let lend: (MessageView) throws -> Void = { view in
                    byteCount = view.bytes.byteCount
                    do {
                        result = try body(MessageView(bytes: view.bytes, sequence: number))
                    } catch {
                        thrown = error
                        throw error
                    }
                }
                if try channel.receiver.drain(max: 1, lend) == 0 {
                    try await acknowledge(channel, deadline)
                    guard try await channel.receiver.receive(deadline: deadline, lend) != nil else {
                        isFinished = true
                        break
                    }
                }
                took(byteCount, channel)
                return result
            } catch {
                if let thrown { throw thrown }
                guard let error = error as? NaruError else { throw error }
                try lose(error)
            }
        }
        return nil
    }

    /// Lends every message to `body`, until the sender finishes.
    /// - Throws: as ``receive(deadline:_:)``.
    public func forEach(_ body: (MessageView) throws -> Void) async throws {
        while try await receive(body) != nil {}
    }

    /// Ends receiving, and listening. Idempotent.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        channel?.close()
        channel = nil
        listener.close()
    }

    // MARK: Saying how far it is

    private func took(_ byteCount: Int, _ channel: Channel) {
        taken += 1
        unsaidBytes += byteCount + 64
        guard unsaidBytes >= acknowledgeBytes else { return }
        // One that finds no room is said by the next, or before the next wait.
        let bytes = ResumeAcknowledgement.bytes(taken)
        // Borrowed for the call.
        guard unsafe (try? channel.sender.trySend(bytes.span.bytes)) == true else { return }
        (acknowledged, unsaidBytes) = (taken, 0)
    }

    /// Before a wait: the sender may wait for just this.
    private func acknowledge(_ channel: Channel, _ deadline: Deadline) async throws {
        guard acknowledged < taken else { return }
        try await channel.sender.send(ResumeAcknowledgement.bytes(taken), deadline: deadline)
        (acknowledged, unsaidBytes) = (taken, 0)
    }

    // MARK: Links

    private func lose(_ error: NaruError) throws(NaruError) {
        guard Resumption.mayComeBack(error) else {
            if error.code != .deadlineExceeded, error.code != .cancelled { forget() }
            throw error
        }
        channel?.close()
        channel = nil
        loss = (error, .after(policy.patience))
    }

    /// The stream is over for this end.
    private func forget() {
        channel?.close()
        (channel, stream, loss) = (nil, nil, nil)
        (taken, acknowledged, unsaidBytes) = (0, 0, 0)
    }

    /// Waits for a link on which a sender says what it has.
    private func accept(_ deadline: Deadline) async throws(NaruError) {
        let until = min(deadline, loss?.deadline ?? .never)
        guard let channel = try await listener.nextChannel(deadline: until) else {
            if let loss, loss.deadline.isPast {
                forget()
                throw loss.error
            }
            throw NaruError(
                .deadlineExceeded, operation: "receive", object: listener.address,
                reason: "no sender came before the deadline")
        }
        guard let greeting = await greeting(channel) else { return channel.close() }
        let isKnown = greeting.stream == stream
        // A sender that has been here before this receiver was started must not be taken for a new one.
        let isLate = !isKnown && greeting.taken > 0
        guard !isLate, !isKnown || greeting.taken <= taken else {
            _ = try? await answer(channel, ResumeAnswer(isKnown: false, taken: 0))
            return channel.close()
        }
        let abandoned = isKnown ? nil : stream.map { _ in loss?.error ?? Self.replaced(listener.address) }
        if !isKnown { forget() }
        guard (try? await answer(channel, ResumeAnswer(isKnown: isKnown, taken: taken))) != nil else {
            return channel.close()
        }
        if isKnown { reconnections += 1 }
        self.channel = channel
        stream = greeting.stream
        loss = nil
        acknowledged = taken
        acknowledgeBytes = Int(clamping: max(1, min(greeting.resumeBytes / 4, 1 << 20)))
        if let abandoned { throw abandoned }
    }

    private func greeting(_ channel: Channel) async -> ResumeGreeting? {
        let said = try? await channel.receive(deadline: .after(Self.greetingTime)) { [UInt8](copying: $0.bytes) }
        return said.flatMap { $0 }.flatMap(ResumeGreeting.init)
    }

    private func answer(_ channel: Channel, _ answer: ResumeAnswer) async throws(NaruError) {
        try await channel.send(answer.bytes, deadline: .after(Self.greetingTime))
    }

    private static func replaced(_ address: String) -> NaruError {
        NaruError(
            .peerVanished, operation: "receive", object: address,
            reason: "the sender went without finishing, and another took its place")
    }
}
