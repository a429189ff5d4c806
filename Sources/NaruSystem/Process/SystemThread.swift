// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem
internal import Synchronization

/// A thread of the operating system that is waited for. It takes no signals, so no handler of the program runs in it.
public final class SystemThread: Sendable {
    private final class Start: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private let thread: UInt
    private let isJoined = Mutex(false)

    /// Starts a thread that runs `body` and ends. The first 15 bytes of `name` are seen in tools. `EAGAIN` at the
    /// limit.
    public init(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        let start = unsafe Unmanaged.passRetained(Start(body))
        var thread: UInt = 0
        // Safe: the new thread takes the one reference that was retained for it; where there is none, it is released
        // here.
        let result = unsafe naru_thread_start(
            name,
            { context in
                let start = unsafe Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
                start.body()
            }, start.toOpaque(), &thread)
        if result < 0 { unsafe start.release() }
        try checked(result, "pthread_create", name)
        self.thread = thread
    }

    deinit {
        // Nobody can be in join() now; a thread that was not waited for goes on alone.
        if !isJoined.withLock({ $0 }) { naru_thread_detach(thread) }
    }

    /// Blocks until the thread has ended. Any number of times; on the thread itself it returns at once.
    public func join() {
        if isCurrent { return }
        isJoined.withLock { isJoined in
            if !isJoined { _ = naru_thread_join(thread) }
            isJoined = true
        }
    }

    /// A pointer that belongs to the calling thread, `nil` at first. It has one user: the core's executor.
    public static var value: UnsafeMutableRawPointer? {
        get { unsafe naru_thread_value() }
        set { unsafe naru_set_thread_value(newValue) }
    }

    /// Whether the caller runs on this thread. Meaningful while the thread runs: its number may be given again later.
    public var isCurrent: Bool { naru_thread_self() == thread }
}
