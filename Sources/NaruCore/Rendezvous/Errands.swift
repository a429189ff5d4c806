// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem
internal import Logging
internal import Synchronization

/// Calls that may block for long and cannot be interrupted, such as looking up a name, each on a thread of its own.
///
/// Whoever is no longer interested ignores the answer; the thread ends when the call returns. A shutdown joins the
/// threads whose calls have returned, and waits a moment for the others; one that hangs longer is named in the log,
/// ends by itself, and does nothing more.
public final class Errands: Sendable {
    private final class Errand: Sendable {
        let name: String
        let thread = Mutex<SystemThread?>(nil)
        // Releasing and acquiring: whoever sees it joins a thread that is about to end.
        let hasEnded = Atomic(false)

        init(_ name: String) { self.name = name }
    }

    private struct State {
        var errands: [Errand] = []
        var isShutDown = false
    }

    /// The most calls at a time.
    static let maximum = 32
    /// How long a shutdown waits for calls that have not returned.
    private static let patience = Duration.milliseconds(100)

    private let reactor: Reactor
    private let state = Mutex(State())

    init(reactor: Reactor) {
        self.reactor = reactor
    }

    /// Runs `call` on a thread of its own, and then `answer` on the reactor's.
    /// - Parameter name: What is done, for a log: `look up example.org`.
    /// - Throws: ``NaruError/Code/resourceExhausted`` when there is no thread left or too many calls are under way,
    ///   ``NaruError/Code/closed`` after a shutdown.
    public func run<Value: Sendable>(
        _ name: String, _ call: @escaping @Sendable () -> Value, answer: @escaping @Sendable (Value) -> Void
    ) throws(NaruError) {
        let reactor = reactor
        try start(name) {
            let value = call()
            reactor.perform { answer(value) }
        }
    }

    /// Runs `call` on a thread of its own and blocks until it has returned; `nil` at the deadline.
    /// - Throws: as ``run(_:_:answer:)``.
    public func runBlocking<Value: Sendable>(
        _ name: String, deadline: Deadline, _ call: @escaping @Sendable () -> Value
    ) throws(NaruError) -> Value? {
        let answers = Mailbox<Value>()
        try start(name) { answers.put(call()) }
        return try answers.waitBlocking(deadline: deadline, "wait for", name)
    }

    private func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(NaruError) {
        let errand = Errand(name)
        let (ended, refusal) = state.withLock { state -> ([Errand], NaruError?) in
            let ended = state.errands.filter { $0.hasEnded.load(ordering: .acquiring) }
            state.errands.removeAll { errand in ended.contains { $0 === errand } }
            if state.isShutDown { return (ended, Runtime.shutDown) }
            guard state.errands.count < Self.maximum else {
                return (
                    ended,
                    NaruError(
                        .resourceExhausted, operation: name, object: "threads",
                        reason: "\(Self.maximum) such calls are under way")
                )
            }
            state.errands.append(errand)
            return (ended, nil)
        }
        for errand in ended { Self.join(errand) }
        if let refusal { throw refusal }
        do {
            let thread = try SystemThread(name: "naru-errand") {
                body()
                errand.hasEnded.store(true, ordering: .releasing)
            }
            errand.thread.withLock { $0 = thread }
        } catch {
            state.withLock { state in state.errands.removeAll { $0 === errand } }
            throw NaruError(error, operation: name, object: "thread")
        }
    }

    /// Ends what has returned. Blocks for a moment where something has not.
    func shutdown(_ logger: Logger) {
        let errands = state.withLock { state in
            state.isShutDown = true
            defer { state.errands = [] }
            return state.errands
        }
        let deadline = Deadline.after(Self.patience)
        for errand in errands {
            while !errand.hasEnded.load(ordering: .acquiring), !deadline.isPast { Processor.yield() }
            guard errand.hasEnded.load(ordering: .acquiring) else {
                logger.warning("\(errand.name): the call has not returned; its thread ends when it does")
                continue
            }
            Self.join(errand)
        }
    }

    private static func join(_ errand: Errand) {
        errand.thread.withLock { $0 }?.join()
    }
}
