// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// What ``Permits`` and ``Signal`` are made of: an open semaphore, the queue before it, and this process's hold on it.
final class SemaphoreEnd: Sendable {
    /// The link's name; `nil` for a semaphore without one.
    let name: String?
    let terms: SemaphoreTerms
    let record: CapabilityRecord
    let decision: Decision
    let semaphore: any Semaphore

    private let runtime: Runtime
    private let queue: TakeQueue
    private let place: Place?

    /// Where a named semaphore's sidecar lies, and who can remove both.
    struct Place: Sendable {
        let hold: DurableHold
        let mechanism: any NamedSignalMechanism
    }

    private struct State {
        /// How many permits this end holds.
        var held = 0
        var isClosed = false
    }
    private let state = Mutex(State())

    init(
        _ runtime: Runtime, name: String?, terms: SemaphoreTerms, record: CapabilityRecord, decision: Decision,
        semaphore: any Semaphore, place: Place?
    ) throws(NaruError) {
        self.runtime = runtime
        self.name = name
        self.terms = terms
        self.record = record
        self.decision = decision
        self.semaphore = semaphore
        self.place = place
        queue = TakeQueue(semaphore, runtime)
        try runtime.remember(ObjectIdentifier(self)) { [weak self] in self?.close() }
    }

    deinit { close() }

    /// The name of errors.
    var object: String { name.map { "local:\($0)" } ?? "\(terms.use) without a name" }

    /// How many permits this end holds.
    var held: Int { state.withLock { $0.held } }

    /// How many tasks wait at this end.
    var waiting: Int { queue.waiting }

    // MARK: Taking

    func take(_ count: Int, _ operation: String, deadline: Deadline) async throws(NaruError) {
        try check(count, operation)
        let isTaken: Bool
        do {
            isTaken = try await queue.take(count, deadline: deadline)
        } catch {
            throw named(error, operation)
        }
        try keep(isTaken ? count : nil, operation)
    }

    func takeBlocking(_ count: Int, _ operation: String, deadline: Deadline) throws(NaruError) {
        try check(count, operation)
        let isTaken: Bool
        do {
            isTaken = try queue.takeBlocking(count, deadline: deadline)
        } catch {
            throw named(error, operation)
        }
        try keep(isTaken ? count : nil, operation)
    }

    func takeNow(_ count: Int, _ operation: String) throws(NaruError) -> Bool {
        try check(count, operation)
        let isTaken: Bool
        do {
            isTaken = try queue.takeNow(count)
        } catch {
            throw named(error, operation)
        }
        if isTaken { try keep(count, operation) }
        return isTaken
    }

    /// Notes what was taken, or gives it back where the end was closed meanwhile; `nil`: the deadline came first.
    private func keep(_ count: Int?, _ operation: String) throws(NaruError) {
        guard let count else {
            throw NaruError(
                .deadlineExceeded, operation: operation, object: object,
                reason: "the deadline passed first", remedy: "wait longer")
        }
        guard terms.use == .permits else { return }
        let isClosed = state.withLock { state in
            if !state.isClosed { state.held += count }
            return state.isClosed
        }
        if isClosed {
            try semaphore.give(count)
            throw closed(operation)
        }
    }

    // MARK: Giving

    /// Gives back permits that this end holds.
    func giveBack(_ count: Int, _ operation: String) throws(NaruError) {
        try check(count, operation)
        let problem: NaruError? = state.withLock { state in
            if state.isClosed { return closed(operation) }
            guard state.held >= count else {
                return NaruError(
                    .invalidArgument, operation: operation, object: object,
                    reason: "\(count) permits are more than the \(state.held) that are held here",
                    remedy: "release what was acquired, once")
            }
            state.held -= count
            return nil
        }
        if let problem { throw problem }
        do {
            try semaphore.give(count)
        } catch {
            throw named(error, operation)
        }
    }

    /// Adds to a signal.
    func post(_ count: Int, _ operation: String) throws(NaruError) {
        try check(count, operation)
        if state.withLock({ $0.isClosed }) { throw closed(operation) }
        do {
            try semaphore.give(count)
        } catch {
            throw named(error, operation)
        }
    }

    /// What the semaphore holds.
    func value(_ operation: String) throws(NaruError) -> Int {
        try runtime.checkFork(operation, name ?? "")
        if state.withLock({ $0.isClosed }) { throw closed(operation) }
        do {
            return try semaphore.value()
        } catch {
            throw named(error, operation)
        }
    }

    // MARK: Closing

    /// Gives back what is held, ends who waits, and lets go of the semaphore. Where nobody else holds it and nothing is
    /// kept in it, it is removed. Idempotent.
    func close() {
        // In a forked child everything is the parent's.
        if runtime.isForked { return }
        let held: Int? = state.withLock { state in
            if state.isClosed { return nil }
            state.isClosed = true
            defer { state.held = 0 }
            return state.held
        }
        guard let held else { return }
        queue.end(closed("wait for"))
        runtime.forget(ObjectIdentifier(self))
        if held > 0 { try? semaphore.give(held) }
        guard let place else { return }
        // Permits that nobody holds are as many as whoever makes them next will say; of a signal, only what was posted
        // and not taken is worth keeping.
        place.hold.releaseAndRemove(place.mechanism) { [terms, semaphore] in
            terms.use == .permits || (try? semaphore.value()) == 0
        }
    }

    private func check(_ count: Int, _ operation: String) throws(NaruError) {
        try runtime.checkFork(operation, name ?? "")
        guard (1...SemaphoreTerms.maximumCount).contains(count) else {
            throw NaruError(
                .invalidArgument, operation: operation, object: object,
                reason: "\(count) is not from 1 to \(SemaphoreTerms.maximumCount)")
        }
        guard terms.use == .signal || count <= terms.count else {
            throw NaruError(
                .invalidArgument, operation: operation, object: object,
                reason: "\(count) permits are more than there are: \(terms.count)")
        }
    }

    private func closed(_ operation: String) -> NaruError {
        NaruError(.closed, operation: operation, object: object, reason: "this end closed it")
    }

    /// The error with this end's words for what was done to what.
    private func named(_ error: NaruError, _ operation: String) -> NaruError {
        NaruError(
            error.code, operation: operation, object: object, reason: error.reason, errno: error.errno,
            remedy: error.remedy)
    }
}
