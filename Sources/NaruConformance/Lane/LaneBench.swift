// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// An open link, its lanes used directly.
///
/// `@unchecked Sendable`: a line gives each lane to one thread at a time, and joins that thread before it uses the lane
/// itself.
final class LaneBench: @unchecked Sendable {
    let outbound: any OutboundLane
    let inbound: any InboundLane
    let senderBell: CountingBell
    let receiverBell: CountingBell
    private let opening: OpeningBench?
    private let place: AttachedPlace?
    private let others: Lanes
    private let patience: Duration
    let properties: [Property]
    /// Whether a lane ends with its sender; where it does not, a finish record says that nothing more comes.
    let endsWithSender: Bool

    /// Opens a link and keeps the lanes that go its way.
    init(_ subject: Subject, _ shape: OpeningBench.Shape = .forward) throws {
        patience = subject.patience
        properties = subject.record.properties
        endsWithSender = subject.way == .negotiated
        guard subject.way == .negotiated else {
            let place = try AttachedPlace(subject)
            let (sender, receiver) = try place.lanes()
            guard let outbound = sender.outbound, let inbound = receiver.inbound else {
                throw Complaint("attaching yields no lane where one was asked for")
            }
            (self.outbound, self.inbound, self.place, opening) = (outbound, inbound, place, nil)
            (senderBell, receiverBell) = (try CountingBell(), try CountingBell())
            others = Lanes(outbound: receiver.outbound, inbound: sender.inbound)
            return
        }
        let opening = try OpeningBench(subject, shape)
        (self.opening, place) = (opening, nil)
        var driver = try OpeningDriver(subject, opening)
        let (dialer, listener): (Lanes, Lanes)
        switch driver.run() {
        case .opened(let first, let second): (dialer, listener) = (first, second)
        case .failed(let role, let error): throw Complaint("the \(role)'s opening throws: \(error)")
        case .stuck: throw Complaint("both openings wait, and nothing comes")
        }
        let forward = shape != .backward
        let (sender, receiver) = forward ? (dialer, listener) : (listener, dialer)
        guard let outbound = sender.outbound, let inbound = receiver.inbound,
            let senderBell = opening.bells[forward ? .dialer : .listener],
            let receiverBell = opening.bells[forward ? .listener : .dialer]
        else { throw Complaint("an opening yields no lane where the agreement has one") }
        self.outbound = outbound
        self.inbound = inbound
        self.senderBell = senderBell
        self.receiverBell = receiverBell
        others = Lanes(outbound: receiver.outbound, inbound: sender.inbound)
    }

    deinit {
        close()
    }

    /// Closes every lane.
    func close() {
        outbound.close()
        inbound.close()
        others.outbound?.close()
        others.inbound?.close()
        place?.remove()
    }

    /// Says that nothing more comes.
    func endSending() throws {
        if endsWithSender { return outbound.close() }
        try send(Record([], header: RecordHeader(kind: .finish)))
        try flush()
        outbound.close()
    }

    /// Whether a record says that nothing more comes.
    func isEnd(_ header: RecordHeader) -> Bool { !endsWithSender && header.kind == .finish }

    /// The most bytes that a line sends in one record.
    var maximumTried: Int { min(outbound.maximumRecordBytes, 1 << 20) }

    /// Until when what must come is waited for.
    var limit: Deadline { .after(patience) }

    // MARK: Moving records, both ends on the calling thread

    /// Sends and receives records until all are across, and complains unless they arrive as they were sent.
    func exchange(_ records: [Record], split: Int = 0) throws {
        var sent = 0
        var found: [Record] = []
        while found.count < records.count {
            while sent < records.count, try outbound.trySend(records[sent], split: split) { sent += 1 }
            _ = try outbound.flush()
            found += try receiveSome()
        }
        try Self.compare(found, records)
    }

    /// Waits for records and takes all there are.
    func receiveSome(_ style: WaitStyle = .thread) throws -> [Record] {
        while true {
            var found: [Record] = []
            let count = try inbound.drain(.max) { record in
                found.append(Record([UInt8](copying: record.bytes), header: record.header))
                return .take
            }
            try expectEqual(count, found.count, "the count that a drain of everything returns")
            if count > 0 { return found }
            if try !waitToReceive(style) { return [] }
        }
    }

    /// Receives until so many records are there, and complains when they are not the ones expected.
    func receive(_ records: [Record]) throws {
        var found: [Record] = []
        while found.count < records.count {
            let some = try receiveSome()
            if some.isEmpty { break }
            found += some
        }
        try Self.compare(found, records)
    }

    /// Complains when the lane still gives something.
    func expectNothingMore(_ when: String) throws {
        let count = try inbound.drain(.max) { _ in .take }
        try expectEqual(count, 0, "records \(when)")
    }

    /// Sends records of `byteCount` bytes until there is no room, and returns them.
    func fill(_ byteCount: Int) throws -> [Record] {
        var records: [Record] = []
        var bytes = 0
        while bytes < 1 << 29, records.count < 1 << 20 {
            let record = Record(records.count, byteCount: byteCount)
            if try !outbound.trySend(record) { return records }
            records.append(record)
            bytes += byteCount
        }
        throw Complaint("the lane accepts without bound: \(records.count) records, \(bytes) bytes, and nobody receives")
    }

    private static func compare(_ found: [Record], _ records: [Record]) throws {
        for (index, (one, other)) in zip(found, records).enumerated() where one != other {
            throw Complaint("record \(index) is not as it was sent: expected \(other); found \(one)")
        }
        try expectEqual(found.count, records.count, "how many records arrived")
    }

    // MARK: Waiting as the core does

    /// Waits for a record; `false` when there will never be one.
    func waitToReceive(_ style: WaitStyle = .thread) throws -> Bool {
        receiverBell.silence()
        let target = try inbound.arm(style)
        defer { inbound.disarm() }
        return try target.sleep(receiverBell, style, until: limit)
    }

    /// Waits for room; `false` when there will never be any.
    func waitToSend(_ byteCount: Int, _ style: WaitStyle = .thread) throws -> Bool {
        senderBell.silence()
        let target = try outbound.arm(style, byteCount: byteCount)
        defer { outbound.disarm() }
        return try target.sleep(senderBell, style, until: limit)
    }

    /// Sends a record, waiting for room while another thread receives.
    func send(_ record: Record, _ style: WaitStyle = .thread) throws {
        while try !outbound.trySend(record) {
            guard try waitToSend(record.bytes.count, style) else { throw Complaint("the lane ended under its sender") }
        }
    }

    /// Flushes until everything is handed over, while another thread receives.
    func flush(_ style: WaitStyle = .thread) throws {
        while try !outbound.flush() {
            guard try waitToSend(0, style) else { throw Complaint("the lane ended under its sender") }
        }
    }

}

extension WaitTarget {
    /// Sleeps until the target comes true; `false` when it never will. Complains when it does not in time.
    func sleep(_ bell: CountingBell, _ style: WaitStyle, until deadline: Deadline) throws -> Bool {
        let woken: Bool
        switch self {
        case .ready: return true
        case .ended: return false
        case .word(let word, let value):
            guard style == .thread else { throw Complaint("a task is told to wait for a futex word") }
            woken = unsafe try Futex.wait(UnsafeRawPointer(word), while: value, deadline: deadline) != .timedOut
        case .bell:
            guard style == .task else { throw Complaint("a thread is told to wait for a bell") }
            woken = try bell.wait(until: deadline)
        case .reception(let descriptor):
            guard style == .thread else { throw Complaint("a task is told to wait in a socket") }
            woken = try !descriptor.poll(.readable, deadline: deadline).isEmpty
        case .descriptor(let descriptor, let events):
            woken = try !descriptor.poll(events, deadline: deadline).isEmpty
        case .pause(let pause):
            // A lane that only names a time is looked at again after it, until what must come is late.
            _ = try bell.wait(until: min(deadline, .after(pause)))
            woken = !deadline.isPast
        }
        guard woken else { throw Complaint("nobody woke the sleeper: it waited for \(word)") }
        return true
    }

    /// The case, for messages.
    var word: String {
        switch self {
        case .ready: "nothing"
        case .ended: "the end"
        case .word: "a futex word"
        case .bell: "its bell"
        case .descriptor: "a descriptor"
        case .reception: "a socket"
        case .pause: "a pause"
        }
    }
}
