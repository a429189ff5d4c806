// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// The processes at the other ends of a runtime's links. Each has one handle (pidfd), which the reactor watches once,
/// however many links lead there: descriptors are the first limit that a program with many links meets.
///
/// A process is known by the number that the kernel attached to its HELLO and by the start time that it claims. The
/// claim is not trusted, only used to tell two processes apart that had one number after each other: a handle is shared
/// while its process still runs, and as long as it does nobody else has its number. Who lies about its start time gets
/// a handle of its own.
final class PeerProcesses: Sendable {
    /// One link's interest in a process. Ends with ``stop()``.
    struct Watch: Sendable {
        fileprivate let process: Process
        fileprivate let number: UInt64

        /// The process's handle, for asking how it ended. Shared: it is closed with the last interest in it.
        var handle: Descriptor { process.handle }
    }

    /// A process; its mutable part lies under the lock of the table.
    fileprivate final class Process: Sendable {
        let identity: ProcessIdentity
        let handle: Descriptor

        init(_ identity: ProcessIdentity, _ handle: Descriptor) {
            self.identity = identity
            self.handle = handle
        }
    }

    private struct Entry {
        let process: Process
        var observers: [UInt64: @Sendable () -> Void] = [:]
        var registration: Reactor.Registration?
    }

    private struct State {
        var nextNumber: UInt64 = 1
        /// The process that has an identity now.
        var current: [ProcessIdentity: ObjectIdentifier] = [:]
        /// All that somebody watches, those that have ended and were replaced included.
        var entries: [ObjectIdentifier: Entry] = [:]

        mutating func removeEntry(_ process: Process) -> Entry? {
            let id = ObjectIdentifier(process)
            if current[process.identity] == id { current[process.identity] = nil }
            return entries.removeValue(forKey: id)
        }
    }

    private let reactor: Reactor
    private let state = Mutex(State())

    init(reactor: Reactor) {
        self.reactor = reactor
    }

    /// Calls `ended` once, on the reactor's thread, when the process has ended; also when it has ended already.
    /// - Parameters:
    ///   - identity: The process's number, from the kernel, and the start time it claims.
    ///   - open: Makes a handle of the process, where nobody watches it yet.
    ///   - ended: Must not block.
    /// - Returns: The interest; `nil` when there is no handle.
    func watch(
        _ identity: ProcessIdentity, open: () -> Descriptor?, _ ended: @escaping @Sendable () -> Void
    ) -> Watch? {
        // Processes of other PID namespaces all have the number 0 here.
        let isShared = identity.processID > 0
        if isShared, let known = join(identity, ended) { return known }
        guard let handle = open() else { return nil }
        let process = Process(identity, handle)
        let watch = state.withLock { state in
            let id = ObjectIdentifier(process)
            state.entries[id] = Entry(process: process)
            if isShared { state.current[identity] = id }
            return Self.observe(process, ended, &state)
        }
        let registration = try? reactor.add(handle, events: [.readable], oneShot: true) { [weak self] _ in
            self?.ended(process)
        }
        // Without a registration, as when the user's watches are used up, the handle still says how the process ended
        // when the connection hangs up.
        guard let registration else { return watch }
        let isWatched = state.withLock { state in
            let id = ObjectIdentifier(process)
            state.entries[id]?.registration = registration
            return state.entries[id] != nil
        }
        if !isWatched { reactor.remove(registration) }
        return watch
    }

    /// Ends an interest; with the last one the handle goes. Once is enough, further calls do nothing.
    func stop(_ watch: Watch) {
        let removed = state.withLock { state -> Entry? in
            let id = ObjectIdentifier(watch.process)
            state.entries[id]?.observers[watch.number] = nil
            guard state.entries[id]?.observers.isEmpty == true else { return nil }
            return state.removeEntry(watch.process)
        }
        if let registration = removed?.registration { reactor.remove(registration) }
    }

    /// How many processes are watched.
    var count: Int { state.withLock { $0.entries.count } }

    private func join(_ identity: ProcessIdentity, _ ended: @escaping @Sendable () -> Void) -> Watch? {
        state.withLock { state in
            guard let id = state.current[identity], let process = state.entries[id]?.process,
                !ProcessHandle.hasExited(process.handle)
            else { return nil }
            return Self.observe(process, ended, &state)
        }
    }

    private static func observe(
        _ process: Process, _ ended: @escaping @Sendable () -> Void, _ state: inout State
    ) -> Watch {
        defer { state.nextNumber += 1 }
        state.entries[ObjectIdentifier(process)]?.observers[state.nextNumber] = ended
        return Watch(process: process, number: state.nextNumber)
    }

    /// On the reactor's thread.
    private func ended(_ process: Process) {
        let removed = state.withLock { $0.removeEntry(process) }
        guard let removed else { return }
        if let registration = removed.registration { reactor.remove(registration) }
        for observer in removed.observers.values { observer() }
    }
}
