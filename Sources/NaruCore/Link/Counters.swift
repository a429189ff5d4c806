// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import Synchronization

/// What one end of a link counts. Each counter is a 64-bit word with a single writer, the endpoint, so counting costs a
/// plain add; anybody may read.
public struct Counters: Sendable, Hashable, CustomStringConvertible {
    /// Messages accepted by this end's lane.
    public var messagesSent: UInt64 = 0
    /// Bytes of those messages, before compression.
    public var bytesSent: UInt64 = 0
    /// Bytes given to the lane for them, after compression.
    public var wireBytesSent: UInt64 = 0
    /// Messages that this end's closure took.
    public var messagesReceived: UInt64 = 0
    /// Bytes of those messages, after decompression.
    public var bytesReceived: UInt64 = 0
    /// Bytes the lane gave for them.
    public var wireBytesReceived: UInt64 = 0
    /// How often this end had to wait for room.
    public var sendWaits: UInt64 = 0
    /// How often this end had to wait for a message.
    public var receiveWaits: UInt64 = 0
    /// Violations of the protocol by the peer.
    public var violations: UInt64 = 0
    /// Messages sent raw on a link with a codec because they would not have become smaller.
    public var messagesIncompressible: UInt64 = 0
    /// Time this end spent compressing, nanoseconds.
    public var compressionNanoseconds: UInt64 = 0
    /// Time this end spent decompressing, nanoseconds.
    public var decompressionNanoseconds: UInt64 = 0

    /// Bytes that compression saved on the way out; below 0 when it added some.
    public var bytesSavedSending: Int64 { Int64(clamping: bytesSent) - Int64(clamping: wireBytesSent) }
    /// Bytes that compression saved on the way in; below 0 when it added some.
    public var bytesSavedReceiving: Int64 { Int64(clamping: bytesReceived) - Int64(clamping: wireBytesReceived) }

    /// One line with every counter that is not zero.
    public var description: String {
        let rows: [(String, UInt64)] = [
            ("messages sent", messagesSent), ("bytes sent", bytesSent), ("wire bytes sent", wireBytesSent),
            ("messages received", messagesReceived), ("bytes received", bytesReceived),
            ("wire bytes received", wireBytesReceived), ("send waits", sendWaits), ("receive waits", receiveWaits),
            ("violations", violations), ("messages incompressible", messagesIncompressible),
            ("ns compressing", compressionNanoseconds), ("ns decompressing", decompressionNanoseconds),
            ("bytes saved sending", UInt64(clamping: bytesSavedSending)),
            ("bytes saved receiving", UInt64(clamping: bytesSavedReceiving)),
        ]
        return rows.filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }.joined(separator: ", ")
    }
}

/// The words behind ``Counters``, in memory that an allocator chose: private here, a mapped file for watching from
/// outside.
///
/// `@unchecked Sendable`: every word is an atomic with one writer; the memory lives as long as this object.
@safe final class CounterWords: @unchecked Sendable {
    enum Word: Int, CaseIterable {
        case messagesSent, bytesSent, wireBytesSent, messagesReceived, bytesReceived, wireBytesReceived, sendWaits,
            receiveWaits, violations, messagesIncompressible, compressionNanoseconds, decompressionNanoseconds
    }

    private let words: UnsafeMutablePointer<Atomic<UInt64>>

    init() {
        let count = Word.allCases.count
        unsafe words = .allocate(capacity: count)
        for index in 0..<count { unsafe (words + index).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe words.deinitialize(count: Word.allCases.count)
        unsafe words.deallocate()
    }

    /// Adds to a word. Only its one writer may: the add is a relaxed load and store, not a locked instruction.
    @inline(__always)
    func add(_ word: Word, _ amount: Int) {
        let atomic = unsafe words + word.rawValue
        let value = unsafe atomic.pointee.load(ordering: .relaxed)
        unsafe atomic.pointee.store(value &+ UInt64(amount), ordering: .relaxed)
    }

    /// Counts messages: adds to `first` and the two words behind it, which are their bytes and those on the wire.
    @inline(__always)
    func addMessages(_ first: Word, _ count: Int, _ byteCount: Int, _ wire: Int) {
        // One base for the three, each as in `add`.
        let base = unsafe words + first.rawValue
        unsafe base.pointee.store(base.pointee.load(ordering: .relaxed) &+ UInt64(count), ordering: .relaxed)
        unsafe base[1].store(base[1].load(ordering: .relaxed) &+ UInt64(byteCount), ordering: .relaxed)
        unsafe base[2].store(base[2].load(ordering: .relaxed) &+ UInt64(wire), ordering: .relaxed)
    }

    /// A word's value now.
    func value(_ word: Word) -> UInt64 {
        unsafe (words + word.rawValue).pointee.load(ordering: .relaxed)
    }

    /// All of them; each is exact, together they are not one instant.
    var snapshot: Counters {
        Counters(
            messagesSent: value(.messagesSent), bytesSent: value(.bytesSent), wireBytesSent: value(.wireBytesSent),
            messagesReceived: value(.messagesReceived), bytesReceived: value(.bytesReceived),
            wireBytesReceived: value(.wireBytesReceived), sendWaits: value(.sendWaits),
            receiveWaits: value(.receiveWaits), violations: value(.violations),
            messagesIncompressible: value(.messagesIncompressible),
            compressionNanoseconds: value(.compressionNanoseconds),
            decompressionNanoseconds: value(.decompressionNanoseconds))
    }
}
