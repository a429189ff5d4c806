// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruRing
internal import NaruSystem
internal import Synchronization

/// A page that both ends of a negotiated link map, by which they wake each other: a queue of the kernel cannot wake a
/// task, and one of System V nobody. All in it is a hint, or a flag that an end sets for the other once; what was
/// sent lies in the queues.
///
///      byte    0         128       256         384         512
///          +---------+---------+-----------+-----------+---------
///          | receiver| sender  | receiver  | sender    | the same for the
///          | armed   | armed   | closed,   | closed,   | other direction
///          |         |         | taken     | sent      |
///          +---------+---------+-----------+-----------+---------
///
/// Each is a 32-bit word, the pairs in lines of their own. An armed word is stored by its own end, and cleared by it or
/// by the other, who wakes it; behind it lies the core of its end; see `ArmedWord`. A closed word is stored by its own
/// end, with release order, after its last message. A count, modulo 2³², grows behind each message that was put into
/// the queue or taken out of it, so that who spins asks the kernel only when there is something: a look at it costs a
/// call where a look here costs none. It is a hint: who sleeps has looked into the queue itself.
final class QueueDoorbell: Sendable {
    static let byteCount = 4096
    private static let seals: MemoryFile.Seals = [.shrink, .grow, .seal]
    private let mapping: Mapping

    private init(_ mapping: Mapping) {
        self.mapping = mapping
    }

    /// Makes a page, and the descriptor by which the other end gets it.
    static func make() throws(NaruError) -> (QueueDoorbell, Descriptor) {
        try naming("make", "doorbell") { () throws(SystemError) in
            let file = try MemoryFile.create(name: "naru-queue-doorbell", byteCount: byteCount)
            let mapping = try Mapping(file, byteCount: byteCount, access: .readWrite, prefault: true)
            try MemoryFile.seal(file, seals)
            return (QueueDoorbell(mapping), file)
        }
    }

    /// Maps a page that a peer passed, once it is found to be one.
    init(_ file: Descriptor, owner: UInt32) throws(NaruError) {
        guard let present = try? MemoryFile.seals(of: file), present.isSuperset(of: Self.seals),
            let status = try? file.status(), status.byteCount == Self.byteCount, status.userID == owner
        else { throw .opening(.protocolViolation, "the doorbell passed is no sealed memory file of the peer's page") }
        mapping = try naming("map", "doorbell") { () throws(SystemError) in
            try Mapping(file, byteCount: Self.byteCount, access: .readWrite, prefault: true)
        }
    }

    /// The words of one direction, for the end that wakes the other with this bell.
    func bell(forward: Bool, _ peer: any Bell) -> QueueBell {
        QueueBell(self, forward ? 0 : 512, peer)
    }

    /// A word of the page; it stays mapped as long as this object, which every user of it keeps.
    fileprivate func word(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
        unsafe (mapping.base + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
    }
}

/// The words of a private queue, as one of its ends uses them.
///
/// `@unchecked Sendable`: nothing in it changes, and the words are atomic.
// Safe: the doorbell keeps the words mapped.
@safe final class QueueBell: @unchecked Sendable {
    private let doorbell: QueueDoorbell
    private let peer: any Bell
    private let receiver: ArmedWord
    private let sender: ArmedWord
    // Behind each lies the count of its end.
    private let receiverClosed: UnsafeMutablePointer<Atomic<UInt32>>
    private let senderClosed: UnsafeMutablePointer<Atomic<UInt32>>

    fileprivate init(_ doorbell: QueueDoorbell, _ offset: Int, _ peer: any Bell) {
        self.doorbell = doorbell
        self.peer = peer
        unsafe receiver = ArmedWord(UnsafePointer(doorbell.word(offset)))
        unsafe sender = ArmedWord(UnsafePointer(doorbell.word(offset + 128)))
        unsafe receiverClosed = doorbell.word(offset + 256)
        unsafe senderClosed = doorbell.word(offset + 384)
    }

    private var taken: UnsafeMutablePointer<Atomic<UInt32>> { unsafe receiverClosed + 1 }
    private var sent: UnsafeMutablePointer<Atomic<UInt32>> { unsafe senderClosed + 1 }

    // Relaxed: counts say what may be worth a look at the queue. Each has one writer at a time: what a lane kept is
    // sent on another thread, but the lane itself sends only after it has found, under the same mutex, that nothing is
    // kept.
    private func grow(_ count: UnsafeMutablePointer<Atomic<UInt32>>) {
        unsafe count.pointee.store(count.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }

    // No fence between the queue's call, made before, and the look at an armed word: the kernel carries out every call
    // on the queue under one lock. Who armed has looked into the queue afterwards. If that look came after the call
    // that put something there or took it, it has seen what was done; if before, the arming, which precedes the look,
    // is visible to what follows the call.

    /// After a message was put into the queue: counts it, and wakes who waits for it.
    func hasSent() {
        unsafe grow(sent)
        if receiver.seemsArmed { wakeReceiver() }
    }

    /// After a message was taken out of the queue: counts it, and wakes who waits for room.
    func hasTaken() {
        unsafe grow(taken)
        if sender.seemsArmed { wakeSender() }
    }

    private func wakeReceiver() {
        sender.publish(Self.core)
        receiver.wake(peer)
    }

    private func wakeSender() {
        receiver.publish(Self.core)
        sender.wake(peer)
    }

    /// As an armed word states it.
    private static var core: UInt32 { Processor.currentCore() &+ 1 }

    func armReceiver(_ style: WaitStyle) -> WaitTarget {
        receiver.publish(Self.core)
        return receiver.arm(style)
    }

    func armSender(_ style: WaitStyle) -> WaitTarget {
        sender.publish(Self.core)
        return sender.arm(style)
    }

    /// Whether a message was sent that was not taken, as far as is counted.
    var holdsMessage: Bool {
        unsafe sent.pointee.load(ordering: .relaxed) != taken.pointee.load(ordering: .relaxed)
    }

    /// Looks until a message was sent that was not taken, so many times at most.
    func spinForMessage(_ rounds: Int) -> SpinOutcome {
        Self.spin(rounds, own: receiver, other: sender) { holdsMessage }
    }

    /// Looks until a message was taken since the last call that found one, so many times at most. `seen` remembers it.
    func spinForRoom(_ rounds: Int, _ seen: inout UInt32) -> SpinOutcome {
        Self.spin(rounds, own: sender, other: receiver) {
            let count = unsafe taken.pointee.load(ordering: .relaxed)
            defer { seen = count }
            return count != seen
        }
    }

    @inline(__always)
    private static func spin(
        _ rounds: Int, own: ArmedWord, other: ArmedWord, until isThere: () -> Bool
    ) -> SpinOutcome {
        let core = Self.core
        own.publish(core)
        if other.isOn(core) { return .pointless }
        for _ in 0..<rounds {
            if isThere() { return .found }
            Processor.spinHint()
        }
        return .nothing
    }

    func disarmReceiver() { receiver.disarm() }
    func disarmSender() { sender.disarm() }

    // Acquire: pairs with the release in the closing store, so what was done before is seen.
    var isReceiverClosed: Bool { unsafe receiverClosed.pointee.load(ordering: .acquiring) != 0 }
    var isSenderClosed: Bool { unsafe senderClosed.pointee.load(ordering: .acquiring) != 0 }

    /// The sender has gone, after its last message.
    func closeSender() {
        unsafe senderClosed.pointee.store(1, ordering: .releasing)
        // Here is no call, so a fence.
        if receiver.isArmed { wakeReceiver() }
    }

    /// The receiver has gone.
    func closeReceiver() {
        unsafe receiverClosed.pointee.store(1, ordering: .releasing)
        if sender.isArmed { wakeSender() }
    }
}
