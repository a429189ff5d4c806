// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruCore
internal import NaruSystem
internal import Synchronization

/// A transport of one process whose medium holds the agreement, for testing what stands above such transports: a
/// bounded queue for each name, which keeps messages while nobody receives, many senders and receivers, each message
/// to one.
///
/// Nothing wakes its waiters: they look again after pauses, as at a System V queue.
public final class HeldTransport: AttachableTransport {
    /// The name it goes by.
    public let name: TransportName
    /// How many records a queue keeps.
    public static let capacity = 4

    private struct Queue {
        let id = LinkID.random()
        /// What those agreed on who opened it first.
        var direction: Direction?
        var records: [HeldRecord] = []
        /// Nobody may attach before.
        var isOpen = true
        var ends = 0
    }
    private let queues = Mutex<[String: Queue]>([:])

    /// Makes a transport without queues.
    public init(name: TransportName = "held") {
        self.name = name
    }

    /// Available everywhere, for ends of one process.
    public func probe() -> CapabilityRecord {
        CapabilityRecord(
            transport: name, localities: Locality.allCases, directions: [.simplex, .queue],
            properties: [.confirmed, .persistent, .priority], agreements: [.attached])
    }

    /// Opens one end of a queue, and makes the queue where it is missing.
    public func attach(_ request: AttachRequest) throws(NaruError) -> AttachStep {
        let medium: String =
            switch request.medium {
            case .link(let name): "link \(name)"
            case .foreign(let object): "foreign \(object)"
            }
        let direction = request.requirements.direction
        let found: (id: LinkID, agreed: Direction)? = queues.withLock { queues in
            var queue = queues[medium, default: Queue()]
            guard queue.isOpen else { return nil }
            let agreed = queue.direction ?? direction
            queue.direction = agreed
            if agreed == direction { queue.ends += 1 }
            queues[medium] = queue
            return (queue.id, agreed)
        }
        guard let (id, agreed) = found else { return .notYet("the queue is shut") }
        guard agreed == direction else {
            throw .memory(.refused, "attach", "the queue was made for direction \(agreed)")
        }
        let end = HeldEnd(self, medium, dropsFinish: direction == .queue)
        let lanes = Lanes(
            outbound: request.sends ? HeldOutboundLane(end) : nil,
            inbound: request.receives ? HeldInboundLane(end) : nil)
        return .attached(Attachment(lanes: lanes, id: id, delivery: .handedOver))
    }

    /// Whether ends can attach to the queue of a link from now on.
    public func setOpen(_ link: String, _ isOpen: Bool) {
        queues.withLock { $0["link \(link)", default: Queue()].isOpen = isOpen }
    }

    /// How many ends of a link's queue are open.
    public func endCount(of link: String) -> Int {
        queues.withLock { $0["link \(link)"]?.ends ?? 0 }
    }

    /// Adds a record behind those of its priority; `false` when the queue is full.
    func put(_ record: HeldRecord, _ medium: String) -> Bool {
        queues.withLock { queues in
            var queue = queues[medium, default: Queue()]
            guard queue.records.count < Self.capacity else { return false }
            let place = queue.records.firstIndex { $0.label.priority < record.label.priority }
            queue.records.insert(record, at: place ?? queue.records.count)
            queues[medium] = queue
            return true
        }
    }

    /// Takes the next record.
    func take(_ medium: String) -> HeldRecord? {
        queues.withLock { queues in
            guard let queue = queues[medium], !queue.records.isEmpty else { return nil }
            return queues[medium]?.records.removeFirst()
        }
    }

    func hasRecord(_ medium: String) -> Bool { queues.withLock { $0[medium]?.records.isEmpty == false } }
    func hasRoom(_ medium: String) -> Bool {
        queues.withLock { ($0[medium]?.records.count ?? 0) < Self.capacity }
    }
    func leave(_ medium: String) { queues.withLock { $0[medium]?.ends -= 1 } }
}

/// A record in a queue.
struct HeldRecord: Sendable {
    var header: RecordHeader
    var message: OwnedMessage
    var label: MessageLabel
}

/// One lane's hold on a queue.
private struct HeldEnd {
    let transport: HeldTransport
    let medium: String
    let dropsFinish: Bool

    init(_ transport: HeldTransport, _ medium: String, dropsFinish: Bool) {
        self.transport = transport
        self.medium = medium
        self.dropsFinish = dropsFinish
    }

    /// Looking again costs a lock.
    static var pause: WaitTarget { .pause(.milliseconds(1)) }
}

/// The sending end.
@safe private final class HeldOutboundLane: OutboundLane {
    private let end: HeldEnd
    private var label = MessageLabel()
    private var loan: UnsafeMutableRawBufferPointer?
    /// What was committed when others had filled the queue.
    private var pending: HeldRecord?
    private var isClosed = false

    init(_ end: HeldEnd) {
        self.end = end
    }

    deinit { close() }

    let maximumRecordBytes = 4096

    func reserve(_ byteCount: Int) throws(NaruError) -> UnsafeMutableRawBufferPointer? {
        try check("reserve", byteCount)
        guard settle(), end.transport.hasRoom(end.medium) else { return nil }
        // Freed by abort(), or by the message that commit() makes of it.
        let base = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: 16)
        let memory = unsafe UnsafeMutableRawBufferPointer(start: base, count: byteCount)
        unsafe loan = memory
        return unsafe memory
    }

    func commit(_ header: RecordHeader, byteCount: Int) throws(NaruError) {
        if isClosed { throw closed("commit") }
        guard let memory = unsafe loan, let base = memory.baseAddress, byteCount >= 0, byteCount <= memory.count
        else { throw .memory(.invalidArgument, "commit", "no loan of \(byteCount) bytes is out") }
        unsafe loan = nil
        let message = unsafe OwnedMessage(adopting: base, byteCount: byteCount)
        pending = HeldRecord(header: header, message: message, label: label)
        _ = settle()
    }

    func abort() {
        unsafe loan?.deallocate()
        unsafe loan = nil
    }

    func trySend(_ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan) throws(NaruError) -> Bool {
        try check("send", prefix.byteCount + bytes.byteCount)
        if header.kind == .finish, end.dropsFinish { return true }
        guard settle() else { return false }
        let message = OwnedMessage([UInt8](copying: prefix) + [UInt8](copying: bytes))
        return end.transport.put(HeldRecord(header: header, message: message, label: label), end.medium)
    }

    func setLabel(_ label: MessageLabel) throws(NaruError) {
        guard label.type == 0 else {
            throw .memory(.unsupported, "label", "it sorts by priority only")
        }
        self.label = label
    }

    func hold() {}

    func publish() throws(NaruError) {
        if isClosed { throw closed("publish") }
    }

    func flush() throws(NaruError) -> Bool {
        if isClosed { throw closed("flush") }
        return settle()
    }

    func arm(_ style: WaitStyle, byteCount: Int) throws(NaruError) -> WaitTarget {
        if isClosed { throw closed("wait") }
        return settle() && end.transport.hasRoom(end.medium) ? .ready : HeldEnd.pause
    }

    func disarm() {}

    func close() {
        guard !isClosed else { return }
        isClosed = true
        abort()
        end.transport.leave(end.medium)
    }

    /// Puts what is pending; `false` while there is no room for it.
    private func settle() -> Bool {
        guard let record = pending else { return true }
        guard end.transport.put(record, end.medium) else { return false }
        pending = nil
        return true
    }

    private func check(_ operation: String, _ byteCount: Int) throws(NaruError) {
        if isClosed { throw closed(operation) }
        guard unsafe loan == nil else { throw .memory(.reentrant, operation, "a loan is out") }
        guard byteCount <= maximumRecordBytes else {
            throw .memory(
                .messageTooLarge, operation, "a record has at most \(maximumRecordBytes) bytes, not \(byteCount)")
        }
    }

    private func closed(_ operation: String) -> NaruError { .memory(.closed, operation, "the lane is closed") }
}

/// The receiving end.
private final class HeldInboundLane: InboundLane {
    private let end: HeldEnd
    /// What was taken out and not yet by the user.
    private var front: HeldRecord?
    private(set) var label = MessageLabel()
    private var isDraining = false
    private var isClosed = false

    init(_ end: HeldEnd) {
        self.end = end
    }

    deinit { close() }

    func drain(_ maximum: Int, _ body: (InboundRecord) -> DrainStep) throws(NaruError) -> Int {
        if isClosed { throw .memory(.closed, "receive", "the lane is closed") }
        if isDraining { throw .memory(.reentrant, "receive", "the lane is being drained") }
        isDraining = true
        defer { isDraining = false }
        var taken = 0
        while taken < maximum, !isClosed, let record = front ?? end.transport.take(end.medium) {
            front = record
            label = record.label
            let message = record.message
            let step = body(InboundRecord(header: record.header, bytes: message.bytes, adopted: message))
            if step == .leaveAndStop { break }
            front = nil
            taken += 1
            if step == .takeAndStop { break }
        }
        return taken
    }

    func arm(_ style: WaitStyle) throws(NaruError) -> WaitTarget {
        if isClosed { throw .memory(.closed, "wait", "the lane is closed") }
        return front != nil || end.transport.hasRecord(end.medium) ? .ready : HeldEnd.pause
    }

    func disarm() {}

    func close() {
        guard !isClosed else { return }
        isClosed = true
        end.transport.leave(end.medium)
    }
}
