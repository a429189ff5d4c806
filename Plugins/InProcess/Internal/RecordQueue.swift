// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

/// A bounded queue of records with one sender and one receiver, in memory laid out by hand.
///
///      byte   0  closed: bit 0 the sender has, bit 1 the receiver has      written by both, once each
///             4  receiver's word: how the receiver sleeps, 0 if it doesn't  receiver arms, sender takes
///           128  records given back                                        written by the receiver
///           136  bytes given back                                          written by the receiver
///           256  sender's word: how the sender sleeps, 0 if it doesn't      sender arms, receiver takes
///           384  the sender's own state
///           512  the receiver's own state
///           640  slots of 128 bytes; the record at position p lies in slot p mod capacity
///
///      slot   0  sequence: p + 1 makes the record of position p visible     stored last by the sender
///             8  header word
///            16  message: a retained reference, or nil when the bytes follow
///            24  up to 104 bytes
///
/// Positions are 64-bit counts that never wrap. The sequence lies in the record's own cache line, so that a small
/// record crosses with one line; the counts are read only when the queue looks full. A slot's sequence is zeroed just
/// before the record in front of it first becomes visible, so that memory is touched only as far as it is used.
///
/// Sleeping: who is about to sleep stores its word, then looks at the queue again; who changes the queue stores the
/// change, then looks at the word. All four are sequentially consistent, so that at least one of the two sees the other.
///
/// - Note: `@unchecked Sendable` and `@safe`: every offset lies in the memory, which lives as long as the queue; every
///   word that both ends touch is atomic; a slot belongs to the sender until its sequence is stored (release) and to the
///   receiver until the count of records given back is stored (release), each loaded with acquire before the slot is
///   touched; the states belong to one end each, and pass to whoever closes second through the `closed` word.
@safe final class RecordQueue: @unchecked Sendable {
    /// The most bytes that lie in a slot itself.
    static let inlineByteCount = 104
    private static let slotByteCount = 128
    private static let slotsOffset = 640

    private let memory: UnsafeMutableRawPointer
    /// How many records fit.
    let recordCapacity: UInt64
    /// How many bytes may wait, unless it is one record.
    let byteCapacity: UInt64
    private let senderBell: any Bell
    private let receiverBell: any Bell
    let closed: UnsafeMutablePointer<Atomic<UInt32>>
    let receiverWord: UnsafeMutablePointer<Atomic<UInt32>>
    let takenRecords: UnsafeMutablePointer<Atomic<UInt64>>
    let takenBytes: UnsafeMutablePointer<Atomic<UInt64>>
    let senderWord: UnsafeMutablePointer<Atomic<UInt32>>
    let sender: UnsafeMutablePointer<SenderState>
    let receiver: UnsafeMutablePointer<ReceiverState>

    /// Bits of the `closed` word.
    static let senderBit: UInt32 = 1, receiverBit: UInt32 = 2
    /// Values of the two words.
    static let awake: UInt32 = 0, thread: UInt32 = 1, task: UInt32 = 2

    /// Makes an empty queue. The bells wake the end they are named for.
    init(_ configuration: InProcessConfiguration, senderBell: any Bell, receiverBell: any Bell) {
        var capacity = 1
        while capacity < configuration.recordCapacity { capacity *= 2 }
        recordCapacity = UInt64(capacity)
        byteCapacity = UInt64(configuration.byteCapacity)
        self.senderBell = senderBell
        self.receiverBell = receiverBell
        // The offsets are multiples of 4, 8 and 128 as the words, counts and states need; the block holds them all.
        let base = UnsafeMutableRawPointer.allocate(
            byteCount: Self.slotsOffset + capacity * Self.slotByteCount, alignment: 128)
        unsafe memory = base
        unsafe closed = (base + 0).bindMemory(to: Atomic<UInt32>.self, capacity: 1)
        unsafe receiverWord = (base + 4).bindMemory(to: Atomic<UInt32>.self, capacity: 1)
        unsafe takenRecords = (base + 128).bindMemory(to: Atomic<UInt64>.self, capacity: 1)
        unsafe takenBytes = (base + 136).bindMemory(to: Atomic<UInt64>.self, capacity: 1)
        unsafe senderWord = (base + 256).bindMemory(to: Atomic<UInt32>.self, capacity: 1)
        unsafe sender = (base + 384).bindMemory(to: SenderState.self, capacity: 1)
        unsafe receiver = (base + 512).bindMemory(to: ReceiverState.self, capacity: 1)
        unsafe closed.initialize(to: Atomic(0))
        unsafe receiverWord.initialize(to: Atomic(Self.awake))
        unsafe takenRecords.initialize(to: Atomic(0))
        unsafe takenBytes.initialize(to: Atomic(0))
        unsafe senderWord.initialize(to: Atomic(Self.awake))
        unsafe sender.initialize(to: SenderState())
        unsafe receiver.initialize(to: ReceiverState())
        clearSequence(at: 0)
    }

    deinit {
        // Both ends have closed, so no slot holds a message and no loan is out. What is in the block is trivial.
        unsafe memory.deallocate()
    }

    // MARK: Slots

    /// The slot of a position. Its caller owns it, see the note above.
    func slot(at position: UInt64) -> UnsafeMutableRawPointer {
        let index = Int(truncatingIfNeeded: position & (recordCapacity - 1))
        return unsafe memory + (Self.slotsOffset + index * Self.slotByteCount)
    }

    private func sequence(at position: UInt64) -> UnsafeMutablePointer<Atomic<UInt64>> {
        unsafe slot(at: position).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    /// Prepares a slot that was never used. Only the sender, before the record in front becomes visible.
    func clearSequence(at position: UInt64) {
        unsafe slot(at: position).bindMemory(to: Atomic<UInt64>.self, capacity: 1).initialize(to: Atomic(0))
    }

    /// Writes a record into the sender's next slot, still invisible. A message passes to the slot.
    func write(at position: UInt64, _ header: RecordHeader, byteCount: Int, _ message: OwnedMessage?) {
        if position + 1 < recordCapacity { clearSequence(at: position + 1) }
        let slot = unsafe slot(at: position)
        unsafe slot.storeBytes(of: header.word(byteCount: byteCount), toByteOffset: 8, as: UInt64.self)
        let reference = message.map { unsafe UInt(bitPattern: Unmanaged.passRetained($0).toOpaque()) } ?? 0
        unsafe slot.storeBytes(of: reference, toByteOffset: 16, as: UInt.self)
    }

    /// Makes a record visible where an earlier one still hides it: the earlier one's ``show(_:)`` orders it.
    func showLater(_ position: UInt64) {
        unsafe sequence(at: position).pointee.store(position + 1, ordering: .relaxed)
    }

    /// Makes a record visible, with all that ``showLater(_:)`` put behind it, and wakes the receiver.
    func show(_ position: UInt64) {
        unsafe sequence(at: position).pointee.store(position + 1, ordering: .sequentiallyConsistent)
        wakeReceiver()
    }

    /// Whether the record of a position is visible.
    func isVisible(_ position: UInt64) -> Bool {
        unsafe sequence(at: position).pointee.load(ordering: .acquiring) == position + 1
    }

    /// The same, ordered against the receiver's word: for the look before a sleep.
    func isVisibleBeforeSleep(_ position: UInt64) -> Bool {
        unsafe sequence(at: position).pointee.load(ordering: .sequentiallyConsistent) == position + 1
    }

    // MARK: Closing

    /// The sender's end is closed; what is visible stays for the receiver.
    func closeSender() {
        let before = unsafe closed.pointee.bitwiseOr(Self.senderBit, ordering: .sequentiallyConsistent).oldValue
        if before & Self.receiverBit != 0 { releaseUnread() }
        wakeReceiver()
    }

    /// The receiver's end is closed; what it did not take is released.
    func closeReceiver() {
        releaseUnread()
        let before = unsafe closed.pointee.bitwiseOr(Self.receiverBit, ordering: .sequentiallyConsistent).oldValue
        // Else the sender may have put more in since; it releases that when it closes.
        if before & Self.senderBit != 0 { releaseUnread() }
        wakeSender()
    }

    /// Releases the visible messages from the receiver's position on. Only the receiver, or the second to close.
    private func releaseUnread() {
        var position = unsafe receiver.pointee.position
        while isVisible(position) {
            _ = unsafe message(in: slot(at: position))?.takeRetainedValue()
            position += 1
        }
        unsafe receiver.pointee.position = position
    }

    /// The message of a record that the receiver owns; `nil` when its bytes lie in the slot.
    func message(in slot: UnsafeMutableRawPointer) -> Unmanaged<OwnedMessage>? {
        let bits = unsafe slot.load(fromByteOffset: 16, as: UInt.self)
        return unsafe UnsafeRawPointer(bitPattern: bits).map { unsafe Unmanaged.fromOpaque($0) }
    }

    // MARK: Waking

    /// Wakes the receiver if it sleeps. After a change of the queue.
    func wakeReceiver() {
        if unsafe receiverWord.pointee.load(ordering: .sequentiallyConsistent) != Self.awake {
            unsafe Self.wake(receiverWord, receiverBell)
        }
    }

    /// Wakes the sender if it sleeps. After a change of the queue.
    func wakeSender() {
        if unsafe senderWord.pointee.load(ordering: .sequentiallyConsistent) != Self.awake {
            unsafe Self.wake(senderWord, senderBell)
        }
    }

    @inline(never)
    private static func wake(_ word: UnsafeMutablePointer<Atomic<UInt32>>, _ bell: any Bell) {
        switch unsafe word.pointee.exchange(awake, ordering: .sequentiallyConsistent) {
        case thread: _ = unsafe Futex.wake(UnsafeRawPointer(word))
        case task: bell.ring()
        default: break
        }
    }

    /// The value of a word for a style of sleep.
    static func value(of style: WaitStyle) -> UInt32 {
        switch style {
        case .thread: thread
        case .task: task
        }
    }
}
