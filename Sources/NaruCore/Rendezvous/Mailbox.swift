// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// Where the reactor's thread leaves something for one waiting task or thread.
final class Mailbox<Item: Sendable>: Sendable {
    private let items = Mutex<[Item]>([])
    private let slot = WaitSlot()

    /// Leaves an item. Safe from any thread.
    func put(_ item: Item) {
        items.withLock { $0.append(item) }
        slot.wake()
    }

    /// Takes the oldest item, or `nil`.
    func take() -> Item? {
        items.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }

    var count: Int { items.withLock { $0.count } }

    /// Waits for an item; `nil` at the deadline.
    /// - Throws: ``NaruError/Code/cancelled``.
    func wait(deadline: Deadline, reactor: Reactor, _ operation: String, _ object: String) async throws(NaruError)
        -> Item?
    {
        while true {
            slot.prepare()
            if let item = take() { return item }
            switch await slot.suspend(deadline: deadline, reactor: reactor) {
            case .woken: continue
            case .timedOut: return take()
            case .cancelled:
                throw NaruError(.cancelled, operation: operation, object: object, reason: "the task was cancelled")
            }
        }
    }

    /// Blocks the calling thread for an item; `nil` at the deadline.
    func waitBlocking(deadline: Deadline, _ operation: String, _ object: String) throws(NaruError) -> Item? {
        while true {
            slot.prepare()
            if let item = take() { return item }
            do {
                if try slot.block(deadline: deadline) == .timedOut { return take() }
            } catch {
                throw NaruError(error, operation: operation, object: object)
            }
        }
    }
}
