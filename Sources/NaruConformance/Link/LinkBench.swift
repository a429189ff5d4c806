// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// Two runtimes in one process, with one transport and a folder of their own, in which links are opened.
final class LinkBench: Sendable {
    /// The runtime that dials.
    let dialer: Runtime
    /// The runtime that listens.
    let listener: Runtime
    let subject: Subject
    /// The most bytes of one record, as the lanes say.
    let recordBytes: Int
    /// The most bytes of one message.
    let messageBytes: Int
    /// Where the two meet; nobody else does.
    let folder: BenchFolder

    /// The name of every link.
    static let name = "kit"

    private init(_ subject: Subject) throws {
        self.subject = subject
        let lanes = try LaneBench(subject)
        recordBytes = lanes.outbound.maximumRecordBytes
        lanes.close()
        // A transport of small records is not tried with more of them than a line has time for.
        messageBytes = min(subject.record.maximumMessageBytes ?? .max, 2 << 20, recordBytes * 512)
        folder = try BenchFolder()
        (dialer, listener) = try folder.runtimes([subject.transport], codecs: [RunLengthCodec(), RecallCodec()])
    }

    /// Runs `body` with a bench, which ends with it.
    static func run(
        _ subject: Subject, _ direction: Direction = .simplex,
        _ body: (LinkBench) async throws -> Void
    ) async throws -> ConformanceOutcome {
        guard subject.record.directions.contains(direction) else {
            return .inapplicable(reason: "it does not carry \(direction)")
        }
        let bench = try await Worker.run { try LinkBench(subject) }
        do {
            try await body(bench)
        } catch {
            try? await bench.end()
            throw error
        }
        try await bench.end()
        return .passed
    }

    private func end() async throws {
        try await Worker.run { [self] in
            dialer.shutdown()
            listener.shutdown()
            folder.removeObjects(of: subject.transport)
            try folder.remove()
        }
    }

    // MARK: Opening links

    var address: Address { .local(name: Self.name) }
    /// Where the name's socket lies while somebody listens.
    var socketPath: String { "\(folder.path)/\(Self.name).sock" }

    /// What both ends ask for.
    func request(
        _ direction: Direction = .simplex, _ compression: Compression = .off, wait: WaitMode = .power
    ) -> LinkRequest {
        LinkRequest(
            requirements: Requirements(
                transports: [subject.transport.name], direction: direction, wait: wait, messageBytes: 64,
                maximumMessageBytes: messageBytes),
            compression: compression)
    }

    /// A listener on the link's name.
    func listen(_ request: LinkRequest? = nil) throws -> Listener {
        try listener.listener(address, request ?? self.request())
    }

    /// Opens a simplex link.
    func connect(_ request: LinkRequest? = nil) async throws -> (Sender, Receiver) {
        let request = request ?? self.request()
        let listener = try listen(request)
        defer { listener.close() }
        return try await connect(to: listener, request)
    }

    /// Opens a simplex link to a listener.
    func connect(to listener: Listener, _ request: LinkRequest? = nil) async throws -> (Sender, Receiver) {
        let sender = try await dialer.sender(address, request ?? self.request(), deadline: Limit.wait)
        guard let receiver = try await listener.nextReceiver(deadline: Limit.wait) else {
            throw Complaint("the listener yields no receiver for a sender that is connected")
        }
        try expectEqual(sender.control.agreement.transport, subject.transport.name, "the transport of the link")
        return (sender, receiver)
    }

    /// Opens a simplex link whose dialer begins before there is a listener, as a rule; either order is right.
    func dialWhileTheListenerStarts() async throws -> (Sender, Receiver) {
        let (send, receive) = (Handoff<Sender?>(nil), Handoff<Receiver?>(nil))
        try await together { [self] in
            send.put(try await dialer.sender(address, request(), deadline: Limit.wait))
        } _: { [self] in
            try await Task.sleep(for: .milliseconds(3))
            receive.put(try await listener.receiver(address, request(), deadline: Limit.wait))
        }
        guard let sender = try send.take(), let receiver = try receive.take() else {
            throw Complaint("no link, and no error")
        }
        return (sender, receiver)
    }

    /// Opens a duplex link.
    func connectChannels(
        _ compression: Compression = .off
    ) async throws -> (dialer: Channel, listener: Channel) {
        let listener = try listen(request(.duplex, compression))
        defer { listener.close() }
        let channel = try await dialer.channel(address, request(.duplex, compression), deadline: Limit.wait)
        guard let other = try await listener.nextChannel(deadline: Limit.wait) else {
            throw Complaint("the listener yields no channel for one that is connected")
        }
        return (channel, other)
    }

    /// The sizes of messages at which something changes, and their neighbours: a cache line, the least size that
    /// begins on one, a page, what a stream gathers, a record, the parts of one and two fragments, the maximum.
    var sizes: [Int] {
        let (record, most) = (recordBytes, messageBytes)
        // A fragment's header stands in its record.
        let part = record - 16
        let places = [64, 1024, 4096, 1 << 16, record, part, 2 * part, 2 * record, 1 << 20, most]
        let sizes = [0, 1] + places.flatMap { [$0 - 1, $0, $0 + 1] } + [3]
        return sizes.filter { $0 >= 0 && $0 <= most }
    }

    /// Sizes that no link passes and no memory holds.
    static let hugeSizes = [
        1 << 40, Int(UInt32.max), Int(UInt32.max) + 1, Int.max / 2, Int.max - 4096, Int.max - 16, Int.max - 7, Int.max,
    ]

    /// Ends a line that needs messages of several records.
    func needsFragments() throws {
        if recordBytes >= messageBytes {
            throw NotApplicable("a record has room for every message that the kit tries")
        }
    }

    // MARK: Filling links

    /// Sends messages until there is no room, neither for copies nor for adopted ones, and returns how many were
    /// accepted.
    func fill(_ sender: Sender) async throws -> Int {
        var count = 0
        while try sender.trySend(OwnedMessage(Payload.bytes(count, filling)).bytes) {
            count += 1
            if count == 1 << 20 { throw Complaint("the link accepts without bound, and nobody receives") }
        }
        // A lane that moves a message may have room for its reference where it has none for its bytes.
        var refusals = 0
        while count < 1 << 20 {
            let message = OwnedMessage(Payload.bytes(count, filling))
            // Over a network there is room again when the other end's kernel has taken what is on its way; the lane
            // writes a little more after each wait.
            let isRemote = subject.record.localities.contains(.remote)
            let code = try await thrownCode {
                try await sender.send(consuming: message, deadline: isRemote ? .after(.milliseconds(60)) : .now)
            }
            if code == .deadlineExceeded {
                refusals += 1
                if !isRemote || refusals == 6 { return count }
                continue
            }
            refusals = 0
            try expectEqual(code, nil, "the error of a send to a link that is nearly full")
            count += 1
        }
        throw Complaint("the link accepts without bound, and nobody receives")
    }

    /// The size of messages with which links are filled.
    var filling: Int { min(1000, recordBytes) }
}

extension Receiver {
    /// Waits for message `index` and complains when it is another.
    func expect(_ index: Int, _ byteCount: Int) async throws {
        let found = try await receive(deadline: Limit.wait) { view in
            try expectPayload(view.bytes, index, byteCount)
            return view.sequence
        }
        if found == nil { throw Complaint("the link finished before message \(index)") }
    }

    /// Waits for the end that a sender's `finish` announces.
    func expectFinish() async throws {
        let more = try await receive(deadline: Limit.wait) { $0.bytes.byteCount }
        if let more { throw Complaint("a message of \(more) bytes that nobody sent") }
        try NaruConformance.expect(isFinished, "receive() answers nil, and isFinished is false")
    }
}

/// Complains when borrowed bytes are not those of message `index`.
func expectPayload(_ bytes: RawSpan, _ index: Int, _ byteCount: Int) throws(Complaint) {
    if bytes.byteCount != byteCount {
        throw Complaint("message \(index) has \(bytes.byteCount) bytes, not \(byteCount)")
    }
    if !Payload.matches(bytes, index, byteCount) {
        throw Complaint("message \(index) of \(byteCount) bytes is not as it was sent")
    }
}

/// Runs both at once; the first error ends the other.
func together(
    _ first: @escaping @Sendable () async throws -> Void, _ second: @escaping @Sendable () async throws -> Void
) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await first() }
        group.addTask { try await second() }
        while try await group.next() != nil {}
    }
}
