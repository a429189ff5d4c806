// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem

/// The receiving half of one direction of a link, made by a plugin.
///
/// One thread or task uses a lane at a time. No operation blocks. Contract, each sentence a test of the conformance
/// kit:
///
/// - ``drain(_:_:)`` gives the committed records in order, each borrowed in place and valid only inside the closure,
///   and returns how many were taken. It returns 0 when there is none now.
/// - A record for which the closure answers ``DrainStep/leaveAndStop`` is given again by the next drain.
/// - A record is given back to the lane, and its room to the sender, only after the closure returned.
/// - The lane reads each length and offset that a peer can write once, checks it, then uses it; a violation throws
///   ``NaruError/Code/protocolViolation`` now and at every later call.
/// - A hang-up never overtakes data: everything committed is given before ``WaitTarget/ended``.
/// - ``borrow(_:)`` lends the next plain records that lie in place one behind the other, as many as the caller has room
///   for, and returns how many; 0 where the next record is another, or none, or the lane lends none this way. They stay
///   as they are until ``giveBack(_:taken:)``, which takes the first of them and leaves the rest to be given again.
///   Nothing else is done with the lane in between, except ``close()``, which then takes effect when they are given
///   back.
/// - ``label`` is that of the record lent last, also inside the closure that it is lent to.
/// - ``select(_:)`` says which records are given from then on; one that was lent and left comes first all the same.
/// - ``spin(_:)`` takes nothing, does not sleep, and does not say ``SpinOutcome/nothing`` where there is a record.
/// - ``sleep()`` returns when something came, the stream ended, or its receiving side was shut down, and may return
///   early.
/// - ``close()`` is idempotent. Every drain after it throws ``NaruError/Code/closed``.
public protocol InboundLane: AnyObject {
    /// Whether what the other end handed over may still be on its way when that end is gone: then only the end of the
    /// lane, ``WaitTarget/ended``, says that everything came. `false` where what was handed over can be read at once.
    var arrivesLate: Bool { get }

    /// Gives up to `maximum` records to `body` and returns how many it took.
    func drain(_ maximum: Int, _ body: (InboundRecord) -> DrainStep) throws(NaruError) -> Int

    /// Lends plain records together: a drain without a closure, for lanes that hold them in place.
    func borrow(_ records: UnsafeMutableBufferPointer<LentRecord>) throws(NaruError) -> Int

    /// Takes the first `count` of the records that are lent, and ends the loan.
    func giveBack(_ records: UnsafeMutableBufferPointer<LentRecord>, taken count: Int)

    /// The label of the record that was lent last.
    var label: MessageLabel { get }

    /// Which records are given from now on.
    /// - Throws: ``NaruError/Code/unsupported`` where the medium gives them in its own order only.
    func select(_ selection: MessageSelection) throws(NaruError)

    /// Looks for a record without sleeping, again and again.
    func spin(_ rounds: Int) -> SpinOutcome

    /// Prepares to wait for a record, and says what to wait for.
    func arm(_ style: WaitStyle) throws(NaruError) -> WaitTarget

    /// Blocks the calling thread in the socket of ``WaitTarget/reception(_:)``; `false`, at once, where it cannot.
    func sleep() -> Bool

    /// Ends the wait, whether it came true or not.
    func disarm()

    /// Releases everything.
    func close()
}

extension InboundLane {
    /// Not late: what was handed over is there.
    public var arrivesLate: Bool { false }

    /// None: everything is drained.
    public func borrow(_ records: UnsafeMutableBufferPointer<LentRecord>) throws(NaruError) -> Int { 0 }

    /// Not here: the descriptor is polled.
    public func sleep() -> Bool { false }

    /// Nothing is lent.
    public func giveBack(_ records: UnsafeMutableBufferPointer<LentRecord>, taken count: Int) {}

    /// The plain one.
    public var label: MessageLabel { MessageLabel() }

    /// Refuses every choice.
    public func select(_ selection: MessageSelection) throws(NaruError) {
        if selection != .all { throw .unlabelled("receive") }
    }

    /// One look, for lanes that know no cheaper one than a drain.
    public func spin(_ rounds: Int) -> SpinOutcome {
        Processor.spinHint()
        return .found
    }
}

/// A record borrowed from a lane.
public struct InboundRecord: ~Escapable {
    /// The record's header.
    public let header: RecordHeader
    /// The record's bytes, extension first, in the lane's memory.
    public let bytes: RawSpan
    /// The message itself, where the lane moved one instead of bytes.
    public let adopted: OwnedMessage?

    /// Borrows `bytes` as a record.
    @_lifetime(copy bytes)
    public init(header: RecordHeader, bytes: RawSpan, adopted: OwnedMessage? = nil) {
        self.header = header
        self.bytes = bytes
        self.adopted = adopted
    }
}

/// Where a plain record lies that a lane lends: whole, without a header, in memory that is the lane's.
@safe public struct LentRecord {
    /// Its first byte.
    public var start: UnsafeRawPointer
    /// Its size, bytes.
    public var byteCount: Int

    /// A record of so many bytes.
    @inline(__always)
    public init(start: UnsafeRawPointer, byteCount: Int) {
        unsafe self.start = start
        self.byteCount = byteCount
    }
}

/// What the reader of a record says of it.
public enum DrainStep: Sendable {
    /// It is taken; give the next.
    case take
    /// It is taken; give no more.
    case takeAndStop
    /// It is not taken; give no more now, and this one again later.
    case leaveAndStop
}
