// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// Where the reactor's thread leaves items for waiting tasks and threads: each item goes to one of them, the end to
/// all.
final class Mailbox<Item: Sendable>: Sendable {
    private struct State {
        var items: [Item] = []
        var waiters: [WaitSlot] = []
        var end: NaruError?
    }
    private let state = Mutex(State())

    /// Leaves an item; `false` when the mailbox was closed. Safe from any thread.
    @discardableResult
    func put(_ item: Item) -> Bool {
        let waiters: [WaitSlot]? = state.withLock { state in
            guard state.end == nil else { return nil }
            state.items.append(item)
            return state.waiters
        }
        for waiter in waiters ?? [] { waiter.wake() }
        return waiters != nil
    }

    /// Takes nothing more; every wait throws this once what is there has been taken.
    func end(_ error: NaruError) {
        let waiters = state.withLock { state in
            if state.end == nil { state.end = error }
            return state.waiters
        }
        for waiter in waiters { waiter.wake() }
    }

    /// Drops what nobody took; every wait from now on throws this.
    func close(_ error: NaruError) {
        let (waiters, untaken) = state.withLock { state in
            if state.end == nil { state.end = error }
            defer { state.items = [] }
            return (state.waiters, state.items)
        }
        for waiter in waiters { waiter.wake() }
        withExtendedLifetime(untaken) {}  // Dropped here, outside the lock.
    }

    var count: Int { state.withLock { $0.items.count } }

    private func take() throws(NaruError) -> Item? {
        let (item, end) = state.withLock { state -> (Item?, NaruError?) in
            state.items.isEmpty ? (nil, state.end) : (state.items.removeFirst(), nil)
        }
        if let end { throw end }
        return item
    }

    private func enter(_ slot: WaitSlot) {
        state.withLock { $0.waiters.append(slot) }
    }

    private func leave(_ slot: WaitSlot) {
        state.withLock { state in state.waiters.removeAll { $0 === slot } }
    }

    /// Waits for an item; `nil` at the deadline.
    /// - Throws: ``NaruError/Code/cancelled``, or what the mailbox was closed with.
    func wait(deadline: Deadline, reactor: Reactor, _ operation: String, _ object: String) async throws(NaruError)
        -> Item?
    {
        let slot = WaitSlot()
        enter(slot)
        defer { leave(slot) }
        while true {
            slot.prepare()
            if let item = try take() { return item }
            switch await slot.suspend(deadline: deadline, reactor: reactor) {
            case .woken: continue
            case .timedOut: return try take()
            case .cancelled:
                throw NaruError(.cancelled, operation: operation, object: object, reason: "the task was cancelled")
            }
        }
    }

    /// Blocks the calling thread for an item; `nil` at the deadline.
    /// - Throws: what the mailbox was closed with; what the kernel refused.
    func waitBlocking(deadline: Deadline, _ operation: String, _ object: String) throws(NaruError) -> Item? {
        let slot = WaitSlot()
        enter(slot)
        defer { leave(slot) }
        while true {
            slot.prepare()
            if let item = try take() { return item }
            let outcome: WaitSlot.Outcome
            do {
                outcome = try slot.block(deadline: deadline)
            } catch {
                throw NaruError(error, operation: operation, object: object)
            }
            if outcome == .timedOut { return try take() }
        }
    }
}
