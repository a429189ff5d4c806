// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import CNaruSystem
internal import Synchronization

/// A program started by this process.
///
/// Every descriptor of this module is close-on-exec, so the child has only what it is given here, and the standard
/// streams. Its signal mask is empty and SIGPIPE has its default effect. A child that is never waited for stays a
/// zombie until this process ends.
public final class ChildProcess: Sendable {
    /// Its number.
    public let processID: Int32
    /// Its handle (pidfd): readable when it has ended.
    public let handle: Descriptor
    private let status = Mutex<ExitStatus?>(nil)

    /// Starts `executable`, a path that is not searched for, with `arguments` after its name, and blocks until it is
    /// loaded.
    ///
    /// `environment` holds `NAME=value` and replaces this process's own when given. Streams that are nil are this
    /// process's own. `inherit` gives the child copies of descriptors under the numbers named; all numbers differ. The
    /// caller keeps, and closes, its own descriptors. Throws what executing the file threw, `ENOENT` or `EACCES`
    /// mostly. The corresponding C function is `posix_spawn`.
    public init(
        executable: String, arguments: [String], environment: [String]? = nil, standardInput: Descriptor? = nil,
        standardOutput: Descriptor? = nil, standardError: Descriptor? = nil,
        inherit: [(Descriptor, as: Int32)] = []
    ) throws(SystemError) {
        var passed = inherit.map { ($0.0, $0.as) }
        for (stream, number) in [(standardInput, Int32(0)), (standardOutput, 1), (standardError, 2)] {
            if let stream { passed.append((stream, number)) }
        }
        let path = try checkedPath(executable, "posix_spawn")
        let words = try CStrings([executable] + arguments)
        let variables: CStrings? = if let environment { try CStrings(environment) } else { nil }
        let sources = passed.map { $0.0.number }
        let targets = passed.map { $0.1 }
        var started: Int32 = 0
        var handle: Int32 = -1
        // Safe: all pointers are valid for the call, and the lists end with a null pointer.
        let result = unsafe words.withPointers { words in
            if let variables {
                return unsafe variables.withPointers { variables in
                    unsafe naru_spawn(path, words, variables, sources, targets, Int32(sources.count), &started, &handle)
                }
            }
            return unsafe naru_spawn(path, words, nil, sources, targets, Int32(sources.count), &started, &handle)
        }
        withExtendedLifetime(passed) {}
        try checked(result, "posix_spawn", executable)
        processID = started
        self.handle = Descriptor(adopting: handle)
    }

    deinit { _ = poll() }

    /// The path of the program that this process runs.
    public static let executablePath: String = (try? FileSystem.readLink("/proc/self/exe")) ?? "/proc/self/exe"

    /// Sends a signal, and nothing happens when it has ended. Never reaches another process.
    public func kill(_ signal: Int32) {
        try? ProcessHandle.signal(handle, signal)
    }

    /// Blocks until the child has ended, and returns how. From any thread, any number of times.
    ///
    /// When other code of this process has waited for the child and the kernel cannot tell any more (before Linux 6.15)
    /// the answer is `.exited(-1)`, a code that no process can have.
    public func wait() -> ExitStatus {
        while true {
            if let status = poll() { return status }
            guard let events = try? handle.poll(.readable, deadline: .never), !events.isEmpty else {
                return .exited(-1)
            }
        }
    }

    /// How the child ended; nil while it runs. Does not block.
    public func poll() -> ExitStatus? {
        status.withLock { status in
            if let status { return status }
            var code: Int32 = 0
            var signal: Int32 = 0
            // Safe: the callees fill the two locals.
            var result = unsafe naru_process_wait(handle.number, 1, &code, &signal)
            if result == -SystemErrno.noChild {
                result = unsafe naru_process_info_status(handle.number, &code, &signal)
                if result != 1 {
                    guard ProcessHandle.hasExited(handle) else { return nil }
                    (result, code) = (1, -1)
                }
            }
            if result == 1 { status = ExitStatus(exitCode: code, signal: signal) }
            return status
        }
    }
}
