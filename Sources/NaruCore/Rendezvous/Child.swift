// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem
internal import Synchronization

/// A program that this process started, with links to it.
///
/// Its end, exit code or signal, becomes the reason for which its links closed, after everything that it handed over
/// was received. It is waited for and reaped without anybody's doing, when it has ended and its links have closed.
/// Nothing ends it but itself, a signal or ``kill(_:)``: it outlives its `Child`, and the runtime.
public final class Child: Sendable {
    /// What is known of its end, and who waits for that.
    private struct State {
        var status: ExitStatus?
        var waiters: [WaitSlot] = []
        /// Links with it that are open, or being opened.
        var openLinks = 0
        var registration: Reactor.Registration?
        /// The runtime was shut down: nobody hears of the end any more but who asks.
        var isAlone = false
    }

    /// The names of its links, as they were given.
    public let links: [String]
    /// This process's end of each, by name.
    private let ends: [String: RelatedEnd]
    private let process: ChildProcess
    private let reactor: Reactor
    /// Weak: the reactor holds this object while the process runs.
    private let runtime: WeakRuntime
    private let state = Mutex(State())

    private struct WeakRuntime: Sendable {
        weak let runtime: Runtime?
    }

    init(_ process: ChildProcess, ends: [RelatedEnd], _ runtime: Runtime) {
        self.process = process
        reactor = runtime.reactor
        self.runtime = WeakRuntime(runtime: runtime)
        links = ends.map(\.name)
        self.ends = Dictionary(ends.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for end in ends { end.belongs(to: self) }
    }

    /// Its process number.
    public var processID: Int32 { process.processID }

    /// How it ended; `nil` while it runs. Does not block.
    public var exitStatus: ExitStatus? {
        if let status = state.withLock({ $0.status }) { return status }
        if ProcessHandle.hasExited(process.handle) { ended() }
        return state.withLock { $0.status }
    }

    /// Sends it a signal; nothing happens when it has ended. Never reaches another process.
    public func kill(_ signal: Int32 = Signals.kill) {
        process.kill(signal)
    }

    /// Waits until it has ended, and says how. Any number of tasks may wait.
    /// - Throws: ``NaruError/Code/deadlineExceeded``, ``NaruError/Code/cancelled``, ``NaruError/Code/closed`` after the
    ///   runtime was shut down: then the blocking form still waits. None of them ends the program.
    public func waitForEnd(deadline: Deadline = .never) async throws(NaruError) -> ExitStatus {
        let slot = WaitSlot()
        state.withLock { $0.waiters.append(slot) }
        defer { state.withLock { state in state.waiters.removeAll { $0 === slot } } }
        while true {
            slot.prepare()
            if let status = exitStatus { return status }
            if state.withLock({ $0.isAlone }) { throw Runtime.shutDown }
            switch await slot.suspend(deadline: deadline, reactor: reactor) {
            case .woken: continue
            case .timedOut:
                if let status = exitStatus { return status }
                throw late()
            case .cancelled:
                throw NaruError(.cancelled, operation: "wait for", object: "\(self)", reason: "the task was cancelled")
            }
        }
    }

    /// As ``waitForEnd(deadline:)``; blocks the calling thread.
    public func waitForEndBlocking(deadline: Deadline = .never) throws(NaruError) -> ExitStatus {
        while true {
            if let status = exitStatus { return status }
            do {
                if try process.handle.poll(.readable, deadline: deadline).isEmpty { throw late() }
            } catch let error as SystemError {
                throw NaruError(error, operation: "wait for", object: "\(self)")
            } catch {
                throw error as! NaruError
            }
        }
    }

    /// This process's end of one of its links.
    /// - Throws: ``NaruError/Code/invalidArgument`` naming those it was started with.
    public func end(of link: String) throws(NaruError) -> RelatedEnd {
        if let end = ends[link] { return end }
        throw NaruError(
            .invalidArgument, operation: "open", object: "link `\(link)` of \(self)",
            reason: "it was started with "
                + (links.isEmpty ? "no link" : "the links \(links.joined(separator: ", "))"),
            remedy: "name the link where the program is started")
    }

    private func late() -> NaruError {
        NaruError(
            .deadlineExceeded, operation: "wait for", object: "\(self)", reason: "it runs longer than the deadline")
    }

    // MARK: Its end

    /// Has the reactor hear of the end. The registration keeps this object until then.
    func watch() throws(NaruError) {
        try runtime.runtime?.remember(ObjectIdentifier(self)) { [weak self] in self?.leaveAlone() }
        do throws(SystemError) {
            try register()
        } catch {
            runtime.runtime?.forget(ObjectIdentifier(self))
            throw NaruError(error, operation: "watch", object: "\(self)")
        }
    }

    private func leaveAlone() {
        let waiters = state.withLock { state in
            state.isAlone = true
            return state.waiters
        }
        for waiter in waiters { waiter.wake() }
    }

    private func register() throws(SystemError) {
        let registration = try reactor.add(process.handle, events: [.readable], oneShot: true) { _ in self.ended() }
        let hasEnded = state.withLock { state in
            state.registration = registration
            return state.status != nil
        }
        if hasEnded { unwatch() }
    }

    /// A link with it is being opened: it is not reaped before the link has been told how it ended.
    func opens() {
        state.withLock { $0.openLinks += 1 }
    }

    /// That link has closed, or was not opened.
    func closed() {
        state.withLock { $0.openLinks -= 1 }
        reap()
    }

    /// Why a link closes whose process ended so.
    static func reason(_ status: ExitStatus) -> CloseReason {
        switch status {
        case .exited(let code): .peerExited(code)
        case .killed(let signal): .peerKilled(signal)
        }
    }

    /// It has ended. Without reaping it: whoever watches it for a link asks the kernel as well.
    private func ended() {
        let told = ProcessHandle.exitStatus(process.handle)
        if told == nil, ProcessHandle.isHeldBack(process.handle) {
            _ = reactor.schedule(at: .after(.milliseconds(1))) { self.ended() }
            return
        }
        // Where other code of this process has reaped it and the kernel cannot tell any more (before Linux 6.15), the
        // code is one that no process can have.
        let status = told ?? .exited(-1)
        let waiters = state.withLock { state in
            if state.status == nil { state.status = status }
            return state.waiters
        }
        for waiter in waiters { waiter.wake() }
        runtime.runtime?.forget(ObjectIdentifier(self))
        unwatch()
        reap()
    }

    private func reap() {
        let isLast = state.withLock { $0.status != nil && $0.openLinks == 0 }
        if isLast { _ = process.poll() }
    }

    private func unwatch() {
        let registration = state.withLock { state in
            defer { state.registration = nil }
            return state.registration
        }
        if let registration { reactor.remove(registration) }
    }
}

extension Child: CustomStringConvertible {
    /// The program's process, for messages.
    public var description: String { "process \(processID)" }
}
