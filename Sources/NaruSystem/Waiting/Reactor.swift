// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// One thread that waits for many descriptors and deadlines, and runs what belongs to them.
///
/// Handlers, timers and work run one after another on that thread, and must not block. None runs while a lock of the
/// reactor is held, so all calls are safe from them and from any other thread.
///
/// In a forked child there is no such thread, its locks may be held for ever, and the poller is the parent's: there all
/// calls do nothing, as after ``shutdown()``, and touch nothing.
public final class Reactor: Sendable {
    /// A descriptor that is waited for.
    public struct Registration: Sendable, Hashable {
        let id: UInt64
    }

    /// Work for a later time.
    public struct Timer: Sendable, Hashable {
        let id: UInt64
    }

    // The thread holds the loop and not this object, so that dropping the last reference ends the thread.
    private let loop: ReactorLoop
    private let thread: SystemThread
    /// Tells a forked child.
    public let forkGuard: ForkGuard

    /// Starts the thread; the first 15 bytes of `name` are seen in tools.
    public init(name: String) throws(SystemError) {
        forkGuard = try ForkGuard()
        let loop = try ReactorLoop()
        self.loop = loop
        thread = try SystemThread(name: name) { loop.run() }
    }

    deinit {
        shutdown()
        // A child has no such thread that could be let go.
        if forkGuard.isForked { _ = unsafe Unmanaged.passRetained(thread) }
    }

    /// Calls `handler` on the reactor's thread whenever the descriptor has one of `events`, an error or a hang-up.
    ///
    /// It is called as long as the state lasts: a handler takes what is there, or removes the registration. With
    /// `oneShot` it is called once, until ``rearm(_:events:)``. The descriptor is held until it is removed; it must not
    /// be closed before, and can be registered once. Throws `EEXIST` when it is, `EPERM` for regular files, `ECANCELED`
    /// after ``shutdown()``.
    public func add(
        _ descriptor: Descriptor, events: PollEvents, oneShot: Bool,
        handler: @escaping @Sendable (PollEvents) -> Void
    ) throws(SystemError) -> Registration {
        if forkGuard.isForked { throw failure(SystemErrno.cancelled, "epoll_ctl", descriptor.name) }
        return Registration(id: try loop.add(descriptor, events: events, oneShot: oneShot, handler: handler))
    }

    /// Arms a one-shot registration again, or changes the events of any. Throws `ENOENT` when it was removed.
    public func rearm(_ registration: Registration, events: PollEvents) throws(SystemError) {
        if forkGuard.isForked { throw failure(SystemErrno.cancelled, "epoll_ctl", "registration \(registration.id)") }
        try loop.rearm(registration.id, events: events)
    }

    /// Ends a registration; once is enough, further calls do nothing.
    ///
    /// After it returned on the reactor's thread the handler is not called again. Elsewhere a call that has begun may
    /// still be running when this returns, and is the last.
    public func remove(_ registration: Registration) {
        if !forkGuard.isForked { loop.remove(registration.id) }
    }

    /// Runs `work` on the reactor's thread at a time or soon after it; with equal times, in the order of these calls.
    ///
    /// After ``shutdown()`` it never runs. O(log n) of the timers that are set.
    public func schedule(at deadline: Deadline, _ work: @escaping @Sendable () -> Void) -> Timer {
        Timer(id: forkGuard.isForked ? 0 : loop.schedule(at: deadline, work))
    }

    /// Takes a timer back; one that runs or has run is not affected.
    public func cancel(_ timer: Timer) {
        if !forkGuard.isForked { loop.cancel(timer.id) }
    }

    /// Runs `work` on the reactor's thread soon, in the order of these calls; false after ``shutdown()``, when it is
    /// dropped.
    @discardableResult
    public func perform(_ work: @escaping @Sendable () -> Void) -> Bool {
        !forkGuard.isForked && loop.perform(work)
    }

    /// Whether the caller runs on the reactor's thread.
    public var isCurrentThread: Bool { loop.isCurrentThread }

    /// Ends the thread and drops everything registered, scheduled or queued. Any number of times.
    ///
    /// Blocks until the thread has ended. On the reactor's own thread it returns at once, and the thread ends after the
    /// handler that called it.
    public func shutdown() {
        if forkGuard.isForked { return }
        loop.stop()
        if !loop.isCurrentThread { thread.join() }
    }
}
