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
///          | armed   | armed   | closed    | closed    | other direction
///          +---------+---------+-----------+-----------+---------
///
/// Each is a 32-bit word in a line of its own. An armed word is stored by its own end, and cleared by it or by the
/// other, who wakes it; see `ArmedWord`. A closed word is stored by its own end, with release order, after its last
/// message.
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
// Safe: the doorbell keeps the words mapped.
@safe struct QueueBell {
    private let doorbell: QueueDoorbell
    private let peer: any Bell
    private let receiver: ArmedWord
    private let sender: ArmedWord
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

    // The queue's call, made before, and the arming word are ordered by the fences in ArmedWord and by the queue's own
    // lock: who armed looked into the queue afterwards, so either it saw the message, or this sees it armed.

    /// After a message was put into the queue.
    func wakeReceiver() { if receiver.isArmed { receiver.wake(peer) } }
    /// After a message was taken out of the queue.
    func wakeSender() { if sender.isArmed { sender.wake(peer) } }

    func armReceiver(_ style: WaitStyle) -> WaitTarget { receiver.arm(style) }
    func armSender(_ style: WaitStyle) -> WaitTarget { sender.arm(style) }
    func disarmReceiver() { receiver.disarm() }
    func disarmSender() { sender.disarm() }

    // Acquire: pairs with the release in the closing store, so what was done before is seen.
    var isReceiverClosed: Bool { unsafe receiverClosed.pointee.load(ordering: .acquiring) != 0 }
    var isSenderClosed: Bool { unsafe senderClosed.pointee.load(ordering: .acquiring) != 0 }

    /// The sender has gone, after its last message.
    func closeSender() {
        unsafe senderClosed.pointee.store(1, ordering: .releasing)
        wakeReceiver()
    }

    /// The receiver has gone.
    func closeReceiver() {
        unsafe receiverClosed.pointee.store(1, ordering: .releasing)
        wakeSender()
    }
}
