// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

extension Sender {
    /// Lends memory for a message of exactly `byteCount` bytes, to be written in place, and sends it when `body` returns.
    ///
    /// The memory is the lane's own where the transport lends in place and the message fits one record; otherwise it is
    /// private and copied on sending. Its earlier contents are unspecified: write every byte. When `body` throws,
    /// nothing is sent and no trace is left. The sender must not be used inside `body`.
    /// - Throws: what `body` throws; otherwise as ``send(_:deadline:)-(RawSpan,_)``.
    public func withLoan<R>(
        byteCount: Int, deadline: Deadline = .never, _ body: (inout MutableRawSpan) throws -> R
    ) async throws -> R {
        try beginLoan(byteCount)
        guard lendsInPlace(byteCount) else {
            let (message, result) = try privateLoan(byteCount, body)
            try await send(consuming: message, deadline: deadline)
            return result
        }
        var patience = Patience(link.agreement.requirements.wait, .task, deadline: deadline)
        while true {
            if let memory = unsafe try reserve(byteCount) { return unsafe try fill(memory, body) }
            if patience.spin() { continue }
            try await sleep(byteCount: byteCount, deadline: deadline)
        }
    }

    func withLoanBlocking<R>(
        byteCount: Int, deadline: Deadline, _ body: (inout MutableRawSpan) throws -> R
    ) throws -> R {
        try beginLoan(byteCount)
        guard lendsInPlace(byteCount) else {
            let (message, result) = try privateLoan(byteCount, body)
            try sendBlocking(message.bytes, deadline: deadline)
            return result
        }
        var patience = Patience(link.agreement.requirements.wait, .thread, deadline: deadline)
        while true {
            if let memory = unsafe try reserve(byteCount) { return unsafe try fill(memory, body) }
            if patience.spin() { continue }
            try block(byteCount: byteCount, deadline: deadline)
        }
    }

    private func beginLoan(_ byteCount: Int) throws(NaruError) {
        guard byteCount >= 0 else {
            throw NaruError(
                .invalidArgument, operation: "lend", object: link.name, reason: "a loan of \(byteCount) bytes")
        }
        try begin(byteCount)
    }

    private func lendsInPlace(_ byteCount: Int) -> Bool {
        !compresses && byteCount <= recordLimit
    }

    private func reserve(_ byteCount: Int) throws(NaruError) -> UnsafeMutableRawBufferPointer? {
        if link.isClosed { throw closedError("lend") }
        do {
            return unsafe try lane.reserve(byteCount)
        } catch {
            throw laneFailed(error)
        }
    }

    private func fill<R>(
        _ memory: UnsafeMutableRawBufferPointer, _ body: (inout MutableRawSpan) throws -> R
    ) throws -> R {
        lend()
        defer { unlend() }
        // The lane keeps the memory until commit or abort, both below; a close in between is deferred.
        var span = unsafe MutableRawSpan(_unsafeBytes: memory)
        let result: R
        do {
            result = try body(&span)
        } catch {
            lane.abort()
            throw error
        }
        let byteCount = memory.count
        do {
            try lane.commit(RecordHeader(), byteCount: byteCount)
        } catch {
            throw laneFailed(error)
        }
        count(byteCount, wire: byteCount)
        return result
    }

    private func privateLoan<R>(
        _ byteCount: Int, _ body: (inout MutableRawSpan) throws -> R
    ) throws -> (OwnedMessage, R) {
        lend()
        defer { unlend() }
        var result: R?
        let message = try OwnedMessage(byteCount: byteCount) { span throws(any Error) in result = try body(&span) }
        guard let result else { preconditionFailure("the closure of a loan ran") }
        return (message, result)
    }
}
