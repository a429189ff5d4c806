// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// What the two kinds of queue have in common. No operation blocks; any thread may call.
protocol KernelQueue: Sendable {
    /// How errors name it.
    var name: String { get }
    /// The most bytes of one message.
    var maximumBytes: Int { get }

    /// Adds a message that begins behind the first eight bytes, which are the queue's; `false` when there is no room.
    func trySend(_ room: UnsafeMutableRawBufferPointer, _ label: MessageLabel) throws(NaruError) -> Bool

    /// Takes a message into the bytes behind the first eight, which are the queue's.
    func tryReceive(
        _ room: UnsafeMutableRawBufferPointer, _ selection: MessageSelection
    ) throws(NaruError) -> QueueDelivery

    /// Whether there is room for a message of so many bytes now.
    func hasRoom(_ byteCount: Int) throws(NaruError) -> Bool

    /// Whether a message may come whose payload lies beside the queue: few enough lie in it, so that what lies beside
    /// it is bounded.
    func hasRoomAside() throws(NaruError) -> Bool

    /// Whether it holds no message now.
    func isEmpty() throws(NaruError) -> Bool

    /// - Throws: ``NaruError/Code/unsupported`` or ``NaruError/Code/invalidArgument`` for a label that it cannot keep.
    func check(_ label: MessageLabel) throws(NaruError)
    /// - Throws: as ``check(_:)-(MessageLabel)``, for a choice that it does not offer.
    func check(_ selection: MessageSelection) throws(NaruError)

    /// What to poll; `nil` where nothing can be.
    var descriptor: Descriptor? { get }
}

/// What came of an attempt to receive.
enum QueueDelivery {
    case nothing
    case message(byteCount: Int, MessageLabel)
    /// The next message is larger than the room for it, and stays.
    case larger
}

/// How long to look away from a queue that nothing can poll: from 1 ms, doubling, to 20 ms.
struct QueuePause {
    private var milliseconds = 1

    mutating func next() -> WaitTarget {
        defer { milliseconds = min(milliseconds * 2, 20) }
        return .pause(.milliseconds(milliseconds))
    }

    mutating func reset() { milliseconds = 1 }
}
