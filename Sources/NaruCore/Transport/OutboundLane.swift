// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The sending half of one direction of a link, made by a plugin.
///
/// A lane carries *records*: a header and 0 to ``maximumRecordBytes`` bytes, in order, whole, once. One thread or task
/// uses a lane at a time; only ``arm(_:)``'s target is touched by others. No operation blocks and none calls back into
/// user code. Contract, each sentence a test of the conformance kit:
///
/// - ``reserve(_:)`` lends exactly the bytes asked for, or returns `nil` when there is no room now. The memory belongs
///   to the lane; the borrower writes it until ``commit(_:byteCount:)`` or ``abort()``. At most one loan is out.
/// - ``commit(_:byteCount:)`` makes the first `byteCount` bytes of the loan a record; it never fails for lack of room.
/// - ``abort()`` leaves no trace of the loan; without a loan it does nothing.
/// - ``trySend(_:_:_:)`` copies: on return the caller owns its bytes again. `false` means no room and no effect.
/// - Between ``hold()`` and ``publish()`` records may stay invisible to the peer; ``publish()`` shows all of them.
/// - ``borrowRoom()`` lends memory for more records of a batch that has one already, or none. Nothing else is done with
///   the lane until ``useRoom(_:)`` says how much of it holds whole records, each 8-byte aligned behind the other; they
///   are then part of the batch.
/// - ``setLabel(_:)`` labels the records accepted from then on, whatever is refused or waits in between.
/// - ``flush()`` returns `true` when everything accepted is handed over: it survives this process, as far as the
///   transport's record claims. `false` means: wait until writable, then call again.
/// - ``spin(_:byteCount:)`` does not sleep, and does not say ``SpinOutcome/nothing`` where room came since the last
///   attempt.
/// - ``close()`` is idempotent, releases what the lane holds and leaves to the peer what was handed over.
/// - Every operation after ``close()`` throws ``NaruError/Code/closed``.
public protocol OutboundLane: AnyObject {
    /// The most bytes one record may have (prefix included), at least 64. Larger messages are fragmented by the core.
    /// It may grow from one operation to the next, never shrink.
    var maximumRecordBytes: Int { get }

    /// The bytes that the fragments of a message above ``maximumRecordBytes`` best have, header included: as many, by
    /// default, and never more. It may grow, never shrink.
    var fragmentRecordBytes: Int { get }

    /// Hears of a message larger than ``maximumRecordBytes``: a lane that can may prepare for more of its kind.
    func expect(_ byteCount: Int)

    /// Lends memory for a record of at most `byteCount` bytes, 8-byte aligned; `nil` when there is no room now.
    func reserve(_ byteCount: Int) throws(NaruError) -> UnsafeMutableRawBufferPointer?

    /// Makes the first `byteCount` bytes of the loan a record.
    func commit(_ header: RecordHeader, byteCount: Int) throws(NaruError)

    /// Gives the loan back unwritten.
    func abort()

    /// Copies a record of `prefix` then `bytes` in; `false` when there is no room now.
    func trySend(_ header: RecordHeader, _ prefix: RawSpan, _ bytes: RawSpan) throws(NaruError) -> Bool

    /// Sends a record whose bytes the lane may keep. By default it copies.
    func trySend(_ header: RecordHeader, adopting message: OwnedMessage) throws(NaruError) -> Bool

    /// Labels the records that follow.
    /// - Throws: ``NaruError/Code/unsupported`` for a label that the medium has no place for.
    func setLabel(_ label: MessageLabel) throws(NaruError)

    /// Begins a batch.
    func hold()

    /// Lends memory for small records of the batch that is held.
    func borrowRoom() -> RecordRoom

    /// Adds the records in the first `byteCount` bytes of the lent memory to the batch, and ends the loan.
    func useRoom(_ byteCount: Int)

    /// Ends a batch: what was accepted becomes visible.
    func publish() throws(NaruError)

    /// Hands over what was accepted; `false` when that has to wait for the peer.
    func flush() throws(NaruError) -> Bool

    /// Looks for room for a record of `byteCount` bytes without sleeping, again and again.
    func spin(_ rounds: Int, byteCount: Int) -> SpinOutcome

    /// Prepares to wait for room for a record of `byteCount` bytes, and says what to wait for. With 0 bytes it also
    /// waits for what ``flush()`` could not hand over.
    func arm(_ style: WaitStyle, byteCount: Int) throws(NaruError) -> WaitTarget

    /// Ends the wait, whether it came true or not.
    func disarm()

    /// Releases everything.
    func close()
}

extension OutboundLane {
    /// Fragments are as large as records can be.
    public var fragmentRecordBytes: Int { maximumRecordBytes }

    /// None: each record of a batch is sent by itself.
    public func borrowRoom() -> RecordRoom { RecordRoom() }

    /// Nothing is lent.
    public func useRoom(_ byteCount: Int) {}

    /// Refuses every label but the plain one.
    public func setLabel(_ label: MessageLabel) throws(NaruError) {
        if label != MessageLabel() { throw .unlabelled("send") }
    }

    /// Nothing to prepare.
    public func expect(_ byteCount: Int) {}

    /// Sleeping at once, for lanes that have no cheap look: room comes when somebody is done with much of it.
    public func spin(_ rounds: Int, byteCount: Int) -> SpinOutcome { .pointless }

    /// Copies the message's bytes, for lanes that cannot take a message over.
    public func trySend(_ header: RecordHeader, adopting message: OwnedMessage) throws(NaruError) -> Bool {
        try trySend(header, RawSpan(), message.bytes)
    }
}
