// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem
internal import Synchronization

/// Two runtimes in one process, with one mechanism and a folder of their own, that share semaphores.
final class SignalBench: Sendable {
    let subject: SignalSubject
    let first: Runtime
    let second: Runtime
    /// Where the sidecars lie.
    private let folder: BenchFolder
    /// The name of every semaphore of the bench.
    let name: String

    private init(_ subject: SignalSubject) throws {
        self.subject = subject
        folder = try BenchFolder()
        name = "kit-\(folder.id)"
        (first, second) = try folder.runtimes([], signals: [subject.mechanism])
    }

    /// Runs `body` with a bench, which ends with it. Whoever has all ends closed must have left nothing.
    static func run(
        _ subject: SignalSubject, _ body: (SignalBench) async throws -> Void
    ) async throws -> ConformanceOutcome {
        let bench = try await Worker.run { try SignalBench(subject) }
        do {
            try await body(bench)
        } catch {
            try? await bench.end()
            throw error
        }
        try await bench.end()
        return .passed
    }

    private func end() async throws {
        try await Worker.run { [self] in
            first.shutdown()
            second.shutdown()
            // What a line left on purpose; nothing else may be there.
            folder.removeObjects(of: subject.mechanism)
            try FileSystem.removeDirectory(folder.path)
        }
    }

    /// The sidecars that lie in the folder.
    var entries: [DurableObjects.Entry] { folder.entries }

    /// A mechanism that is used only by name is named.
    var request: Requirements { Requirements(transports: [subject.mechanism.name]) }

    /// The same signal at both ends.
    func signals() throws -> (Signal, Signal) {
        if subject.mechanism is any NamedSignalMechanism {
            return (try first.signal(name, request), try second.signal(name, request))
        }
        let signal = try first.signal()
        guard let descriptor = signal.descriptor else { throw Complaint("a signal without name or descriptor") }
        return (signal, try second.signal(adopting: try descriptor.duplicate()))
    }

    /// The same permits at both ends.
    func permits(_ count: Int) throws -> (Permits, Permits) {
        if subject.mechanism is any NamedSignalMechanism {
            return (try first.permits(name, count: count, request), try second.permits(name, request))
        }
        let permits = try first.permits(count: count)
        guard let descriptor = permits.descriptor else { throw Complaint("permits without name or descriptor") }
        return (permits, try second.permits(adopting: try descriptor.duplicate()))
    }
}

/// A value that several tasks change.
final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) {
        self.value = Mutex(value)
    }

    /// Runs `body` with the value, one caller at a time.
    func change<R: Sendable>(_ body: (inout Value) -> R) -> R {
        value.withLock { value in
            var copy = value
            defer { value = copy }
            return body(&copy)
        }
    }

    /// The value now.
    var now: Value { value.withLock { $0 } }
}
