// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

/// A bounded queue of records between one sender and one receiver of a process, all of it behind one lock, so that it
/// is right by inspection.
final class MemoryPipe: Sendable {
    /// One record in the queue.
    struct Record: Sendable {
        let header: RecordHeader
        let message: OwnedMessage
    }

    /// The two ends.
    enum End { case sender, receiver }

    /// How an end that armed sleeps.
    private enum Sleep { case word, bell, counter }

    private struct State {
        var records: [Record] = []
        /// How many of the records the receiver may see.
        var visible = 0
        var isHolding = false
        var senderIsClosed = false
        var receiverIsClosed = false
        var senderSleeps: Sleep?
        var receiverSleeps: Sleep?
    }

    let temper: MemoryTransport.Temper
    private let state = Mutex(State())
    private let sender: Waking
    private let receiver: Waking

    init(
        _ temper: MemoryTransport.Temper, senderBell: any Bell, receiverBell: any Bell
    ) throws(NaruError) {
        self.temper = temper
        sender = try Waking(temper, senderBell)
        receiver = try Waking(temper, receiverBell)
    }

    // MARK: The sender's side

    /// Whether there is room for a record.
    /// - Throws: ``NaruError/Code/peerVanished`` when the receiver has closed.
    func hasRoom() throws(NaruError) -> Bool {
        let (isClosed, count) = state.withLock { ($0.receiverIsClosed, $0.records.count) }
        if isClosed { throw .memory(.peerVanished, "send", "the receiver has closed") }
        return count < temper.recordCapacity
    }

    /// Adds a record, for which there is room.
    func append(_ record: Record) {
        let sleep = state.withLock { state -> Sleep? in
            if state.receiverIsClosed { return nil }
            state.records.append(record)
            if state.isHolding { return nil }
            state.visible = state.records.count
            return Self.take(&state.receiverSleeps)
        }
        wake(receiver, sleep)
    }

    /// Records that follow stay invisible.
    func hold() {
        state.withLock { $0.isHolding = true }
    }

    /// Shows every record; the batch goes on where `isHolding`.
    func show(andHold isHolding: Bool) {
        let sleep = state.withLock { state -> Sleep? in
            state.isHolding = isHolding
            guard state.visible < state.records.count else { return nil }
            state.visible = state.records.count
            return Self.take(&state.receiverSleeps)
        }
        wake(receiver, sleep)
    }

    /// Whether everything counts as handed over.
    var isHandedOver: Bool {
        temper != .slow || state.withLock { $0.records.isEmpty }
    }

    func armSender(_ style: WaitStyle) -> WaitTarget {
        show(andHold: state.withLock { $0.isHolding })
        let sleep = prepare(sender, style)
        let found = state.withLock { state -> Found in
            if state.receiverIsClosed { return .end }
            if state.records.count < temper.recordCapacity { return .something }
            state.senderSleeps = sleep
            return .nothing
        }
        return target(found, sender, sleep)
    }

    // MARK: The receiver's side

    /// The first record that the receiver may see.
    var front: Record? {
        state.withLock { $0.visible > 0 ? $0.records.first : nil }
    }

    /// Takes the first record.
    func removeFront() {
        let (record, sleep) = state.withLock { state -> (Record, Sleep?) in
            state.visible -= 1
            return (state.records.removeFirst(), Self.take(&state.senderSleeps))
        }
        withExtendedLifetime(record) { wake(sender, sleep) }
    }

    func armReceiver(_ style: WaitStyle) -> WaitTarget {
        let sleep = prepare(receiver, style)
        let found = state.withLock { state -> Found in
            if state.visible > 0 { return .something }
            if state.senderIsClosed { return .end }
            state.receiverSleeps = sleep
            return .nothing
        }
        return target(found, receiver, sleep)
    }

    // MARK: Both sides

    func disarm(_ end: End) {
        state.withLock { state in
            switch end {
            case .sender: state.senderSleeps = nil
            case .receiver: state.receiverSleeps = nil
            }
        }
    }

    /// The sender goes; what it sent stays.
    func closeSender() {
        let sleep = state.withLock { state -> Sleep? in
            state.senderIsClosed = true
            state.visible = state.records.count
            return Self.take(&state.receiverSleeps)
        }
        wake(receiver, sleep)
    }

    /// The receiver goes, and with it what it did not take.
    func closeReceiver() {
        let (records, sleep) = state.withLock { state -> ([Record], Sleep?) in
            defer { (state.records, state.visible) = ([], 0) }
            state.receiverIsClosed = true
            return (state.records, Self.take(&state.senderSleeps))
        }
        withExtendedLifetime(records) { wake(sender, sleep) }
    }

    // MARK: Sleeping and waking

    /// What an end that arms finds.
    private enum Found { case something, nothing, end }

    /// Forgets earlier wake-ups; before the look under the lock.
    private func prepare(_ waking: Waking, _ style: WaitStyle) -> Sleep {
        waking.counter?.drain()
        if waking.counter != nil, temper == .slow || style == .thread { return .counter }
        guard style == .thread else { return .bell }
        waking.armWord()
        return .word
    }

    private func target(_ found: Found, _ waking: Waking, _ sleep: Sleep) -> WaitTarget {
        switch (found, sleep) {
        case (.something, _): .ready
        case (.end, _): .ended
        case (.nothing, .word): waking.wordTarget
        case (.nothing, .bell): .bell
        case (.nothing, .counter): waking.counter.map { .descriptor($0.descriptor, .readable) } ?? .bell
        }
    }

    private func wake(_ waking: Waking, _ sleep: Sleep?) {
        switch sleep {
        case .word: waking.wakeWord()
        case .bell: waking.bell.ring()
        case .counter: waking.counter?.signal()
        case nil: break
        }
    }

    private static func take(_ sleep: inout Sleep?) -> Sleep? {
        defer { sleep = nil }
        return sleep
    }
}

/// What one end of a pipe can sleep on.
///
/// `@unchecked Sendable`: the word is an atomic that lives as long as this object; the rest is immutable and
/// `Sendable`.
@safe private final class Waking: @unchecked Sendable {
    let bell: any Bell
    let counter: EventCounter?
    private let word: UnsafeMutablePointer<Atomic<UInt32>>

    init(_ temper: MemoryTransport.Temper, _ bell: any Bell) throws(NaruError) {
        self.bell = bell
        do {
            counter = temper == .synchronous ? nil : try EventCounter()
        } catch {
            throw NaruError(error, operation: "open", object: "memory lane")
        }
        unsafe word = .allocate(capacity: 1)
        unsafe word.initialize(to: Atomic(0))
    }

    deinit {
        unsafe word.deinitialize(count: 1)
        unsafe word.deallocate()
    }

    func armWord() {
        // Relaxed: the pipe's lock orders it; the sleeper is registered under the lock after this store.
        unsafe word.pointee.store(1, ordering: .relaxed)
    }

    var wordTarget: WaitTarget { unsafe .word(UnsafePointer(word), value: 1) }

    func wakeWord() {
        unsafe word.pointee.store(0, ordering: .sequentiallyConsistent)
        unsafe Futex.wake(UnsafeRawPointer(word))
    }
}
