// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem
internal import Synchronization

/// What the thread of a ``Reactor`` runs, and what it shares with its callers.
final class ReactorLoop: Sendable {
    typealias Work = @Sendable () -> Void

    private struct Entry {
        let descriptor: Descriptor
        let oneShot: Bool
        let handler: @Sendable (PollEvents) -> Void
    }

    /// All of it under one lock. Closures that are taken out are released after the lock, since what they own may call
    /// the reactor when it goes.
    private struct State {
        var nextID: UInt64 = 1
        var entries: [UInt64: Entry] = [:]
        var timers = TimerQueue()
        var queue: [Work] = []
        var isStopping = false

        mutating func makeID() -> UInt64 {
            defer { nextID += 1 }
            return nextID
        }
    }

    /// The token of the bell; registrations count from 1.
    private static let bellToken: UInt64 = 0

    private let poller: Poller
    private let bell: EventCounter
    private let state = Mutex(State())
    // Relaxed: a thread compares it with its own number only, which it can have written only itself.
    private let threadNumber = Atomic<UInt>(0)

    init() throws(SystemError) {
        poller = try Poller()
        bell = try EventCounter()
        try poller.add(bell.descriptor, token: ReactorLoop.bellToken, events: .readable)
    }

    var isCurrentThread: Bool { threadNumber.load(ordering: .relaxed) == naru_thread_self() }

    // MARK: From any thread

    func add(
        _ descriptor: Descriptor, events: PollEvents, oneShot: Bool, handler: @escaping @Sendable (PollEvents) -> Void
    ) throws(SystemError) -> UInt64 {
        // The kernel is told under the lock: its list and this one never differ for a thread that holds it.
        try state.withLock { state throws(SystemError) in
            if state.isStopping { throw failure(SystemErrno.cancelled, "epoll_ctl", descriptor.name) }
            let id = state.makeID()
            try poller.add(descriptor, token: id, events: events, oneShot: oneShot)
            state.entries[id] = Entry(descriptor: descriptor, oneShot: oneShot, handler: handler)
            return id
        }
    }

    func rearm(_ id: UInt64, events: PollEvents) throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            guard let entry = state.entries[id] else {
                throw failure(SystemErrno.notFound, "epoll_ctl", "registration \(id)")
            }
            try poller.modify(entry.descriptor, token: id, events: events, oneShot: entry.oneShot)
        }
    }

    func remove(_ id: UInt64) {
        let removed = state.withLock { state in
            let entry = state.entries.removeValue(forKey: id)
            if let entry { poller.remove(entry.descriptor) }
            return entry
        }
        withExtendedLifetime(removed) {}
    }

    func schedule(at deadline: Deadline, _ work: @escaping Work) -> UInt64 {
        let (id, isFirst) = state.withLock { state in
            let id = state.makeID()
            if state.isStopping { return (id, false) }
            return (id, state.timers.insert(id, at: deadline, work))
        }
        if isFirst { ring() }
        return id
    }

    func cancel(_ id: UInt64) {
        let removed = state.withLock { $0.timers.remove(id) }
        withExtendedLifetime(removed) {}
    }

    func perform(_ work: @escaping Work) -> Bool {
        // The bell rings for the first of a batch only: the thread takes the whole queue.
        let (accepted, isFirst) = state.withLock { state in
            if state.isStopping { return (false, false) }
            state.queue.append(work)
            return (true, state.queue.count == 1)
        }
        if isFirst { ring() }
        return accepted
    }

    func stop() {
        let isFirst = state.withLock { state in
            defer { state.isStopping = true }
            return !state.isStopping
        }
        if isFirst { ring() }
    }

    /// Wakes the thread, unless this is it: it looks at the state before it waits.
    private func ring() {
        if !isCurrentThread { bell.signal() }
    }

    // MARK: On the reactor's thread

    func run() {
        threadNumber.store(naru_thread_self(), ordering: .relaxed)
        var events: [PollEvent] = []
        while let deadline = nextDeadline() {
            do throws(SystemError) {
                _ = try poller.wait(into: &events, deadline: deadline)
            } catch {
                // The poller is this object's own: it fails only if the program closed numbers that are not its own.
                preconditionFailure("the reactor's poller was closed from outside: \(error)")
            }
            for event in events { handle(event) }
            runTimers()
            runQueue()
        }
        let dropped = state.withLock { state in
            let dropped = (state.entries, state.timers, state.queue)
            for entry in state.entries.values { poller.remove(entry.descriptor) }
            (state.entries, state.timers, state.queue) = ([:], TimerQueue(), [])
            return dropped
        }
        withExtendedLifetime(dropped) {}
        threadNumber.store(0, ordering: .relaxed)
    }

    /// Until when nothing is to be done; nil to end.
    private func nextDeadline() -> Deadline? {
        state.withLock { state in
            if state.isStopping { return nil }
            return state.queue.isEmpty ? state.timers.nextDeadline : Deadline(nanoseconds: 0)
        }
    }

    private func handle(_ event: PollEvent) {
        if event.token == ReactorLoop.bellToken {
            bell.drain()
            return
        }
        // An event that was found before its registration went has no entry any more.
        let entry = state.withLock { state in state.isStopping ? nil : state.entries[event.token] }
        entry?.handler(event.events)
    }

    private func runTimers() {
        // Only those that were set before, so that timers which set timers cannot keep descriptors waiting.
        let (first, limit) = state.withLock { ($0.timers.nextDeadline, $0.nextID) }
        guard first != .never else { return }
        let now = Deadline.now
        while let work = state.withLock({ state in
            state.isStopping ? nil : state.timers.removeFirst(dueAt: now, numberedBelow: limit)
        }) {
            work()
        }
    }

    private func runQueue() {
        let batch = state.withLock { state in
            let batch = state.queue
            state.queue = []
            return batch
        }
        for work in batch {
            if state.withLock({ $0.isStopping }) { return }
            work()
        }
    }
}
