// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

/// A ring of records with one sender and one receiver, in memory laid out by hand.
///
///      byte   0  closed: bit 0 the sender has, bit 1 the receiver has      written by both, once each
///             4  receiver's word: how the receiver sleeps, 0 if it doesn't  receiver arms, sender takes
///             8  receiver's core + 1, 0 while it is not known: a hint   written by the receiver
///           128  position given back                                       written by the receiver
///           136  bytes of messages given back                              written by the receiver
///           256  sender's word: how the sender sleeps, 0 if it doesn't      sender arms, receiver takes
///           260  sender's core + 1, as above                            written by the sender
///           384  the sender's own state
///           512  the receiver's own state
///           640  the ring, a power of two of bytes; position p lies at p mod its size
///
///      record 0  header word; not zero makes the record visible            stored last by the sender
///             8  reference: 0, the bytes follow; 1, go on at the start of the ring; else a retained message
///            16  the bytes, padded to 16; they never cross the end of the ring
///
/// Positions are 64-bit byte counts that never wrap. The word that shows a record lies in the record's own cache line;
/// the position given back is read only when the ring looks full. Before a record is shown, the word behind it is
/// zeroed; so nobody clears anything for the sender, payload cannot pose as a record, and memory is touched only as far
/// as it is used. A batch, like a wrap with the record behind it, is written whole and shown by its first word.
///
/// Sleeping: who is about to sleep stores its word, then looks at the ring again; who changes the ring stores the
/// change, then looks at the word. All four are sequentially consistent, so at least one of the two sees the other.
///
/// - Note: `@unchecked Sendable` and `@safe`: every offset lies in the memory, which lives as long as the ring; every
///   word that both ends touch is atomic; a record belongs to the sender until its word is stored (release) and to the
///   receiver until the position given back is stored (release), each loaded with acquire before the record is
///   touched; the states belong to one end each, and pass to whoever closes second through the `closed` word.
@safe final class RecordRing: @unchecked Sendable {
    /// Bytes of a record before its payload.
    static let headByteCount: UInt64 = 16
    /// The reference that says: go on at the start of the ring.
    private static let wrapMark: UInt = 1
    private static let ringOffset = 640

    private let memory: UnsafeMutableRawPointer
    private let ring: UnsafeMutableRawPointer
    /// The ring's size, bytes, a power of two.
    let byteCount: UInt64
    /// The most bytes of a record that lie in the ring itself.
    let inlineByteCount: Int
    /// How many bytes of messages may wait beside the ring, unless it is one message.
    let messageByteCapacity: UInt64
    private let senderBell: any Bell
    private let receiverBell: any Bell
    let closed: UnsafeMutablePointer<Atomic<UInt32>>
    let receiverWord: UnsafeMutablePointer<Atomic<UInt32>>
    let returnedPosition: UnsafeMutablePointer<Atomic<UInt64>>
    let returnedMessageBytes: UnsafeMutablePointer<Atomic<UInt64>>
    let receiverCore: UnsafeMutablePointer<Atomic<UInt32>>
    let senderCore: UnsafeMutablePointer<Atomic<UInt32>>
    let senderWord: UnsafeMutablePointer<Atomic<UInt32>>
    let sender: UnsafeMutablePointer<SenderState>
    let receiver: UnsafeMutablePointer<ReceiverState>

    /// Bits of the `closed` word.
    static let senderBit: UInt32 = 1, receiverBit: UInt32 = 2
    /// Values of the two words.
    static let awake: UInt32 = 0, thread: UInt32 = 1, task: UInt32 = 2

    /// Makes an empty ring whose first record has a position, a multiple of 16. The bells wake the end they are named
    /// for.
    init(
        _ configuration: InProcessConfiguration, senderBell: any Bell, receiverBell: any Bell,
        startingAt position: UInt64 = 0
    ) {
        precondition(position % 16 == 0, "a record cannot begin at \(position)")
        var size = 1024
        while size < configuration.ringByteCount { size *= 2 }
        byteCount = UInt64(size)
        inlineByteCount = size / 8
        messageByteCapacity = UInt64(configuration.messageByteCapacity)
        self.senderBell = senderBell
        self.receiverBell = receiverBell
        // The offsets are multiples of 4, 8 and 128 as the words and states need; the block holds them all.
        let base = UnsafeMutableRawPointer.allocate(byteCount: Self.ringOffset + size, alignment: 128)
        unsafe memory = base
        unsafe ring = base + Self.ringOffset
        unsafe closed = (base + 0).bindMemory(to: Atomic<UInt32>.self, capacity: 1)
        unsafe receiverWord = (base + 4).bindMemory(to: Atomic<UInt32>.self, capacity: 1)
        unsafe returnedPosition = (base + 128).bindMemory(to: Atomic<UInt64>.self, capacity: 1)
        unsafe returnedMessageBytes = (base + 136).bindMemory(to: Atomic<UInt64>.self, capacity: 1)
        unsafe senderWord = (base + 256).bindMemory(to: Atomic<UInt32>.self, capacity: 1)
        unsafe sender = (base + 384).bindMemory(to: SenderState.self, capacity: 1)
        unsafe receiver = (base + 512).bindMemory(to: ReceiverState.self, capacity: 1)
        unsafe receiverCore = (base + 8).bindMemory(to: Atomic<UInt32>.self, capacity: 1)
        unsafe senderCore = (base + 260).bindMemory(to: Atomic<UInt32>.self, capacity: 1)
        unsafe receiverCore.initialize(to: Atomic(0))
        unsafe senderCore.initialize(to: Atomic(0))
        unsafe closed.initialize(to: Atomic(0))
        unsafe receiverWord.initialize(to: Atomic(Self.awake))
        unsafe returnedPosition.initialize(to: Atomic(position))
        unsafe returnedMessageBytes.initialize(to: Atomic(0))
        unsafe senderWord.initialize(to: Atomic(Self.awake))
        unsafe sender.initialize(to: SenderState(position: position, returnedPosition: position))
        unsafe receiver.initialize(to: ReceiverState(position: position))
        clear(position)
    }

    deinit {
        // Both ends have closed, so no record holds a message and no loan is out. What is in the block is trivial.
        unsafe memory.deallocate()
    }

    // MARK: Records

    private func record(at position: UInt64) -> UnsafeMutableRawPointer {
        unsafe ring + Int(truncatingIfNeeded: position & (byteCount - 1))
    }

    private func word(at position: UInt64) -> UnsafeMutablePointer<Atomic<UInt64>> {
        unsafe record(at: position).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    /// Where a record's bytes lie. Its caller owns the record, see the note above.
    func payload(at position: UInt64) -> UnsafeMutableRawPointer {
        unsafe record(at: position) + Int(Self.headByteCount)
    }

    /// How many bytes are left from a position to the end of the ring: 16 or more.
    func bytesToEnd(from position: UInt64) -> UInt64 {
        byteCount - position & (byteCount - 1)
    }

    /// Zeroes the word of the record that will come next.
    func clear(_ position: UInt64) {
        unsafe word(at: position).pointee.store(0, ordering: .relaxed)
    }

    /// Says where a record's bytes lie: in a message, which passes to the record, or behind its head.
    func setReference(at position: UInt64, _ message: OwnedMessage?) {
        let reference = message.map { unsafe UInt(bitPattern: Unmanaged.passRetained($0).toOpaque()) } ?? 0
        unsafe record(at: position).storeBytes(of: reference, toByteOffset: 8, as: UInt.self)
    }

    /// Says that the next record lies at the start of the ring.
    func setWrap(at position: UInt64) {
        unsafe record(at: position).storeBytes(of: Self.wrapMark, toByteOffset: 8, as: UInt.self)
    }

    /// Shows a record that an earlier one still hides: the earlier one's ``show(_:_:)`` orders it.
    func showLater(_ position: UInt64, _ header: UInt64) {
        unsafe word(at: position).pointee.store(header, ordering: .relaxed)
    }

    /// Shows a record, and all that ``showLater(_:_:)`` put behind it, and wakes the receiver.
    func show(_ position: UInt64, _ header: UInt64) {
        unsafe word(at: position).pointee.store(header, ordering: .sequentiallyConsistent)
        wakeReceiver()
    }

    /// The word at a position: zero while there is no record.
    func visibleWord(at position: UInt64) -> UInt64 {
        unsafe word(at: position).pointee.load(ordering: .acquiring)
    }

    /// Whether there is a record, ordered against the receiver's word: for the look before a sleep.
    func isVisibleBeforeSleep(_ position: UInt64) -> Bool {
        unsafe word(at: position).pointee.load(ordering: .sequentiallyConsistent) != 0
    }

    /// Whether the visible record at a position sends the reader to the start of the ring.
    func isWrap(at position: UInt64) -> Bool {
        unsafe record(at: position).load(fromByteOffset: 8, as: UInt.self) == Self.wrapMark
    }

    /// The message of a visible record; `nil` when its bytes lie in the ring.
    func message(at position: UInt64) -> Unmanaged<OwnedMessage>? {
        let reference = unsafe record(at: position).load(fromByteOffset: 8, as: UInt.self)
        return unsafe UnsafeRawPointer(bitPattern: reference).map { unsafe Unmanaged.fromOpaque($0) }
    }

    /// The bytes of ring that a record takes: `byteCount` bytes of payload behind its head.
    static func footprint(_ byteCount: Int) -> UInt64 {
        headByteCount + UInt64(byteCount + 15) & ~15
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
        while let (_, byteCount) = RecordHeader.split(visibleWord(at: position)) {
            if isWrap(at: position) {
                position += bytesToEnd(from: position)
            } else if let message = unsafe message(at: position) {
                unsafe message.release()
                position += Self.headByteCount
            } else {
                position += Self.footprint(byteCount)
            }
        }
        unsafe receiver.pointee.position = position
    }

    // MARK: Spinning

    /// Says which core an end runs on, and whether the other end was last on the same: then spinning is pointless,
    /// because the other could not run meanwhile. Relaxed: a hint.
    static func sharesCore(
        _ own: UnsafeMutablePointer<Atomic<UInt32>>, _ other: UnsafeMutablePointer<Atomic<UInt32>>
    ) -> Bool {
        let core = Processor.currentCore() &+ 1
        if unsafe own.pointee.load(ordering: .relaxed) != core { unsafe own.pointee.store(core, ordering: .relaxed) }
        return unsafe other.pointee.load(ordering: .relaxed) == core
    }

    // MARK: Waking

    /// Wakes the receiver if it sleeps. After a change of the ring.
    func wakeReceiver() {
        if unsafe receiverWord.pointee.load(ordering: .sequentiallyConsistent) != Self.awake {
            unsafe Self.wake(receiverWord, receiverBell)
        }
    }

    /// Wakes the sender if it sleeps. After a change of the ring.
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
