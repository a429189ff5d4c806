// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

extension Sender {
    /// Lends memory for a message of exactly `byteCount` bytes, to be written in place, and sends it when `body`
    /// returns.
    ///
    /// The memory is the lane's own where the transport lends in place and the message fits one record; otherwise it is
    /// private and copied on sending. Its earlier contents are unspecified: write every byte. When `body` throws,
    /// nothing is sent and no trace is left. The sender must not be used inside `body`.
    /// - Throws: what `body` throws; otherwise as ``send(_:deadline:)-(RawSpan,_)``.
    // Inlinable, so that nothing is looked up about the result's type at run time.
    @inlinable
    @inline(__always)
    public func withLoan<R>(
        byteCount: Int, deadline: Deadline = .never, _ body: (inout MutableRawSpan) throws -> R
    ) async throws -> R {
        var result: R?
        try await lend(byteCount, deadline) { result = try body(&$0) }
        // It did: otherwise this has thrown.
        guard let result else { preconditionFailure("the closure of a loan ran") }
        return result
    }

    @usableFromInline
    func lend(
        _ byteCount: Int, _ deadline: Deadline, _ body: (inout MutableRawSpan) throws -> Void
    ) async throws {
        try beginLoan(byteCount)
        guard lendsInPlace(byteCount) else {
            return try await send(consuming: privateLoan(byteCount, body), deadline: deadline)
        }
        if try lendNow(byteCount, body) { return }
        var spell = beginWait(WaitingExecutor.style, deadline)
        while try !lendNow(byteCount, body) {
            if spins(&spell, byteCount) { continue }
            try await sleep(byteCount: byteCount, deadline: deadline)
        }
        endWait(spell)
    }

    @usableFromInline
    func lendBlocking(
        _ byteCount: Int, _ deadline: Deadline, _ body: (inout MutableRawSpan) throws -> Void
    ) throws {
        try beginLoan(byteCount)
        guard lendsInPlace(byteCount) else {
            let message = try privateLoan(byteCount, body)
            return try sendBlocking(message.bytes, deadline: deadline)
        }
        if try lendNow(byteCount, body) { return }
        var spell = beginWait(.thread, deadline)
        while try !lendNow(byteCount, body) {
            if spins(&spell, byteCount) { continue }
            try block(byteCount: byteCount, deadline: deadline)
        }
        endWait(spell)
    }

    /// Lends the lane's memory and sends it; `false` when there is no room now.
    private func lendNow(_ byteCount: Int, _ body: (inout MutableRawSpan) throws -> Void) throws -> Bool {
        guard let memory = unsafe try reserve(byteCount) else { return false }
        unsafe try fill(memory, body)
        return true
    }

    private func beginLoan(_ byteCount: Int) throws(NaruError) {
        guard byteCount >= 0 else {
            throw NaruError(
                .invalidArgument, operation: "lend", object: link.name, reason: "a loan of \(byteCount) bytes")
        }
        try begin(byteCount)
    }

    private func lendsInPlace(_ byteCount: Int) -> Bool {
        !compresses && fitsRecord(byteCount)
    }

    private func reserve(_ byteCount: Int) throws(NaruError) -> UnsafeMutableRawBufferPointer? {
        if link.isClosed { throw closedError("lend") }
        do {
            return unsafe try lane.reserve(byteCount)
        } catch {
            if awaitsReason(of: error) { return nil }
            throw laneFailed(error)
        }
    }

    private func fill(
        _ memory: UnsafeMutableRawBufferPointer, _ body: (inout MutableRawSpan) throws -> Void
    ) throws {
        lend()
        defer { unlend() }
        // The lane keeps the memory until commit or abort, both below; a close in between is deferred.
        var span = unsafe MutableRawSpan(_unsafeBytes: memory)
        do {
            try body(&span)
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
    }

    private func privateLoan(
        _ byteCount: Int, _ body: (inout MutableRawSpan) throws -> Void
    ) throws -> OwnedMessage {
        lend()
        defer { unlend() }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: 16)
        do {
            // The span ends before the message can be seen by anybody else.
            var span = unsafe MutableRawSpan(_unsafeStart: memory, byteCount: byteCount)
            try body(&span)
        } catch {
            unsafe memory.deallocate()
            throw error
        }
        return unsafe OwnedMessage(adopting: memory, byteCount: byteCount)
    }
}
