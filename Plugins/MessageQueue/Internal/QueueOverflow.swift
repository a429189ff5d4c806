// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

/// Where a message waits that was committed when others had just filled the queue: a commit does not fail for lack of
/// room. The reactor tries again until it is in the queue; the lane's own next operation does too.
///
/// `@unchecked Sendable`: the buffer is used under the lock only.
final class QueueOverflow: @unchecked Sendable {
    private struct Waiting {
        let bytes: QueueBuffer
        let byteCount: Int
        let label: MessageLabel
    }

    private let queue: any KernelQueue
    private let bell: QueueBell?
    private let reactor: Reactor
    private let lock = Mutex(())
    // Both under the lock.
    private var waiting: Waiting?
    private var isClosed = false

    init(_ queue: any KernelQueue, _ bell: QueueBell?, _ reactor: Reactor) {
        self.queue = queue
        self.bell = bell
        self.reactor = reactor
    }

    /// Takes a message over, with its buffer.
    func put(_ bytes: QueueBuffer, byteCount: Int, _ label: MessageLabel) {
        lock.withLock { _ in waiting = Waiting(bytes: bytes, byteCount: byteCount, label: label) }
        schedule(1)
    }

    /// Tries to send what waits; `true` when nothing waits any more.
    func settle() throws(NaruError) -> Bool {
        try lock.withLock { _ throws(NaruError) in try send() }
    }

    /// What waits is lost: it was not handed over.
    func close() {
        lock.withLock { _ in
            isClosed = true
            waiting = nil
        }
    }

    private func send() throws(NaruError) -> Bool {
        guard let waiting else { return true }
        // The buffer is this object's, and as large as the message.
        guard unsafe try queue.trySend(waiting.bytes.message(waiting.byteCount), waiting.label) else { return false }
        self.waiting = nil
        bell?.hasSent()
        return true
    }

    private func schedule(_ milliseconds: Int) {
        _ = reactor.schedule(at: .after(.milliseconds(milliseconds))) { [weak self] in self?.retry(milliseconds) }
    }

    private func retry(_ milliseconds: Int) {
        // An error comes again with the lane's next operation, which can tell it to somebody.
        let goesOn = lock.withLock { _ in
            guard !isClosed, waiting != nil else { return false }
            do throws(NaruError) {
                return try !send()
            } catch {
                return false
            }
        }
        if goesOn { schedule(min(milliseconds * 2, 20)) }
    }
}
