// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruConformance
import NaruCore
import NaruSystem
import Synchronization

/// A transport that is right but for one fault, to show that the kit finds it.
struct FaultyTransport: Transport {
    /// What is wrong, and the line that must say so.
    enum Fault: String, CaseIterable, Sendable {
        case recordOfAnother = "probe.record"
        case refusalWithoutReason = "probe.refusal"
        case probeLeaks = "probe.leaves-nothing"
        case wrongLanes = "opening.lanes"
        case longMessage = "opening.message-bounds"
        case openingLeaks = "opening.dropped"
        case lanesLeak = "opening.released"
        case trustsMessages = "opening.garbage"
        case losesRecords = "lane.records"
        case losesHeaders = "lane.headers"
        case tinyRecords = "lane.maximum.least"
        case acceptsTooMuch = "lane.maximum.exceeded"
        case losesPrefixes = "lane.send.prefix"
        case altersAdopted = "lane.send.adopting"
        case sendsWhatItRefuses = "lane.send.full"
        case lendsLess = "lane.reserve"
        case commitsAll = "lane.commit.visible"
        case sendsAborted = "lane.abort"
        case lendsTwice = "lane.loan.one"
        case miscounts = "lane.drain.count"
        case ignoresStop = "lane.drain.stop"
        case forgetsLeft = "lane.drain.leave"
        case letsDrainAgain = "lane.drain.reentrant"
        case seemsReady = "lane.arm.empty"
        case forgetsToRing = "lane.wake.receiver.task"
        case worksWhenClosed = "lane.close.outbound"
        case drainsWhenClosed = "lane.close.inbound"
        case losesLast = "lane.close.handed-over"

        /// The line that finds it.
        var line: String { rawValue }
    }

    let fault: Fault
    private let base = MemoryTransport()

    init(_ fault: Fault) {
        self.fault = fault
    }

    var name: TransportName { base.name }

    func probe() -> CapabilityRecord {
        var record = base.probe()
        switch fault {
        case .recordOfAnother: record.transport = "another"
        case .refusalWithoutReason: record.availability = .refused(reason: "", remedy: "")
        case .probeLeaks: Leak.add(fault)
        default: break
        }
        return record
    }

    func open(_ request: OpeningRequest) throws(NaruError) -> any Opening {
        if fault == .openingLeaks { Leak.add(fault) }
        return FaultyOpening(try base.open(request), fault, request)
    }
}

/// What nobody lets go of, before a test is over.
enum Leak {
    private static let counters = Mutex<[FaultyTransport.Fault: [EventCounter]]>([:])

    /// Lets go of what a fault has left open.
    static func mend(_ fault: FaultyTransport.Fault) {
        counters.withLock { $0[fault] = nil }
    }

    /// Opens one more.
    static func add(_ fault: FaultyTransport.Fault) {
        guard let counter = try? EventCounter() else { return }
        counters.withLock { $0[fault, default: []].append(counter) }
    }
}

private final class FaultyOpening: Opening {
    private let base: any Opening
    private let fault: FaultyTransport.Fault
    private let request: OpeningRequest
    private var hasSent = false

    init(_ base: any Opening, _ fault: FaultyTransport.Fault, _ request: OpeningRequest) {
        self.base = base
        self.fault = fault
        self.request = request
    }

    func advance(_ event: OpeningEvent) throws(NaruError) -> OpeningStep {
        if fault == .trustsMessages, case .message(let message) = event, message.bytes.count > 16 {
            return .done(Lanes())
        }
        switch try base.advance(event) {
        case .send(let message) where fault == .longMessage && request.role == .dialer:
            // The base's listener would not take it: what counts is that the kit sees it go by.
            return .send(OpeningMessage(bytes: message.bytes + [UInt8](repeating: 0, count: 20_000)))
        case .done(var lanes):
            if fault == .wrongLanes { lanes.inbound = nil }
            if fault == .lanesLeak { Leak.add(fault) }
            lanes.outbound = lanes.outbound.map { FaultyOutboundLane($0, fault) }
            lanes.inbound = lanes.inbound.map { FaultyInboundLane($0, fault) }
            return .done(lanes)
        case let step: return step
        }
    }
}

private final class FaultyOutboundLane: OutboundLane {
    private let base: any OutboundLane
    private let fault: FaultyTransport.Fault
    private var sent = 0
    private var loan: Int?
    private var refused: OwnedMessage?
    private var heldBack: OwnedMessage?
    private var isClosed = false

    init(_ base: any OutboundLane, _ fault: FaultyTransport.Fault) {
        self.base = base
        self.fault = fault
    }

    var maximumRecordBytes: Int { fault == .tinyRecords ? 8 : base.maximumRecordBytes }

    func reserve(_ byteCount: Int) throws(NaruError) -> UnsafeMutableRawBufferPointer? {
        if fault == .lendsTwice, loan != nil {
            // Leaked on purpose, like the loan that it pretends to be.
            return .allocate(byteCount: byteCount, alignment: 16)
        }
        guard let memory = unsafe try base.reserve(byteCount) else { return nil }
        loan = byteCount
        return fault == .lendsLess
            ? unsafe UnsafeMutableRawBufferPointer(rebasing: memory.dropLast()) : unsafe memory
    }

    func commit(_ header: RecordHeader, byteCount: Int) throws(NaruError) {
        try base.commit(header, byteCount: fault == .commitsAll ? loan ?? byteCount : byteCount)
        loan = nil
    }

    func abort() {
        if fault == .sendsAborted, loan != nil {
            try? base.commit(RecordHeader(), byteCount: 0)
        } else {
            base.abort()
        }
        loan = nil
    }

    func trySend(_ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan) throws(NaruError) -> Bool {
        if isClosed, fault == .worksWhenClosed { return true }
        sent += 1
        if fault == .losesRecords, sent % 50 == 0 { return true }
        if fault == .acceptsTooMuch, prefix.byteCount + bytes.byteCount > maximumRecordBytes { return true }
        if fault == .losesLast {
            // Each record waits for the next; the last waits in vain.
            let held = OwnedMessage(copying: bytes)
            if let message = heldBack, try !base.trySend(header, RawSpan(), message.bytes) { return false }
            heldBack = held
            return true
        }
        if let message = refused {
            refused = nil
            _ = try base.trySend(header, RawSpan(), message.bytes)
        }
        let isSent = try base.trySend(
            fault == .losesHeaders ? RecordHeader() : header,
            fault == .losesPrefixes ? RawSpan() : prefix, bytes)
        if !isSent, fault == .sendsWhatItRefuses { refused = OwnedMessage(copying: bytes) }
        return isSent
    }

    func trySend(_ header: RecordHeader, adopting message: OwnedMessage) throws(NaruError) -> Bool {
        if isClosed, fault == .worksWhenClosed { return true }
        return try base.trySend(fault == .altersAdopted ? RecordHeader() : header, adopting: message)
    }

    func hold() { base.hold() }
    func publish() throws(NaruError) { try base.publish() }
    func flush() throws(NaruError) -> Bool { try base.flush() }
    func arm(_ style: WaitStyle, byteCount: Int) throws(NaruError) -> WaitTarget {
        try base.arm(style, byteCount: byteCount)
    }
    func disarm() { base.disarm() }
    func close() {
        isClosed = true
        base.close()
    }
}

private final class FaultyInboundLane: InboundLane {
    private let base: any InboundLane
    private let fault: FaultyTransport.Fault
    private var isDraining = false
    private var isClosed = false
    private var arms = 0

    init(_ base: any InboundLane, _ fault: FaultyTransport.Fault) {
        self.base = base
        self.fault = fault
    }

    func drain(_ maximum: Int, _ body: (InboundRecord) -> DrainStep) throws(NaruError) -> Int {
        if isDraining, fault == .letsDrainAgain { return 0 }
        if isClosed, fault == .drainsWhenClosed { return 0 }
        isDraining = true
        defer { isDraining = false }
        let count = try base.drain(maximum) { record in
            let step = body(record)
            switch (fault, step) {
            case (.ignoresStop, .takeAndStop): return .take
            case (.forgetsLeft, .leaveAndStop): return .takeAndStop
            default: return step
            }
        }
        return fault == .miscounts && count > 0 ? count + 1 : count
    }

    func arm(_ style: WaitStyle) throws(NaruError) -> WaitTarget {
        arms += 1
        if fault == .seemsReady, arms > 1 { return .ready }
        let target = try base.arm(style)
        // A ring that never comes: the lane forgets that it was armed.
        if fault == .forgetsToRing, case .bell = target, arms > 100 { base.disarm() }
        return target
    }

    func disarm() { base.disarm() }
    func close() {
        isClosed = true
        base.close()
    }
}
