// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

extension Sender {
    /// Labels every message from now on, for links whose medium sorts its messages.
    /// - Throws: ``NaruError/Code/unsupported`` where it does not, or has no place for this label.
    public func setLabel(_ label: MessageLabel) throws(NaruError) {
        if link.isForked { throw link.forked("label") }
        try lane.setLabel(label)
        standingLabel = label
    }

    /// Sends a copy of `bytes` with a label of its own. See ``send(_:deadline:)-(RawSpan,_)``.
    /// - Throws: also ``NaruError/Code/unsupported``, as ``setLabel(_:)``; nothing is sent then.
    public func send(_ bytes: RawSpan, label: MessageLabel, deadline: Deadline = .never) async throws(NaruError) {
        try begin(bytes.byteCount)
        try lane.setLabel(label)
        defer { restoreLabel() }
        try await send(bytes, deadline: deadline)
    }

    /// Sends a copy of an array's bytes with a label of its own.
    public func send(_ bytes: [UInt8], label: MessageLabel, deadline: Deadline = .never) async throws(NaruError) {
        unsafe try await send(bytes.span.bytes, label: label, deadline: deadline)
    }

    func sendBlocking(_ bytes: RawSpan, label: MessageLabel, deadline: Deadline) throws(NaruError) {
        try begin(bytes.byteCount)
        try lane.setLabel(label)
        defer { restoreLabel() }
        try sendBlocking(bytes, deadline: deadline)
    }

    /// Back to the label of ``setLabel(_:)``, which the lane has accepted before; a closed one takes no label any more.
    private func restoreLabel() {
        try? lane.setLabel(standingLabel)
    }
}

extension BlockingSender {
    /// As ``Sender/send(_:label:deadline:)-(RawSpan,_,_)``; blocks the calling thread.
    public func send(_ bytes: RawSpan, label: MessageLabel, deadline: Deadline = .never) throws(NaruError) {
        try sender.sendBlocking(bytes, label: label, deadline: deadline)
    }

    /// Sends a copy of an array's bytes with a label of its own; blocks the calling thread.
    public func send(_ bytes: [UInt8], label: MessageLabel, deadline: Deadline = .never) throws(NaruError) {
        unsafe try sender.sendBlocking(bytes.span.bytes, label: label, deadline: deadline)
    }
}
