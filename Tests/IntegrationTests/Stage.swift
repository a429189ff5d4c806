// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Synchronization
import Testing

/// A place for one test: a private folder with a runtime directory, and the processes it started. Everything ends and
/// goes with it.
final class Stage {
    let folder: String
    private var children: [ChildProcess] = []

    init() throws {
        folder = "/tmp/naru-test-\(ProcessIdentity.current.processID)-\(String(SystemRandom.word(), radix: 36))"
        try FileSystem.makeDirectory(folder, permissions: 0o700)
        try FileSystem.makeDirectory(folder + "/run", permissions: 0o700)
    }

    deinit {
        for child in children where child.poll() == nil {
            child.kill(Signals.kill)
            _ = child.wait()
        }
        // What a test that failed left in the kernel, or killed, is known by its sidecar only.
        for directory in [folder + "/run", folder + "/relay"] {
            let names = (try? FileSystem.list(directory)) ?? []
            guard names.contains(where: { $0.hasSuffix(".object") }) else { continue }
            _ = try? naru(["clean", "--durable"], environment: ["NARU_RUNTIME_DIR": directory]).end()
        }
        for directory in [folder + "/run", folder + "/relay", folder] {
            for name in (try? FileSystem.list(directory)) ?? [] { try? FileSystem.remove(directory + "/" + name) }
            try? FileSystem.removeDirectory(directory)
        }
    }

    /// A program that was built with the tests: it lies beside their own.
    static func built(_ name: String) -> String {
        let own = ChildProcess.executablePath
        return own[..<(own.lastIndex(of: "/") ?? own.endIndex)] + "/" + name
    }

    /// Starts a program; its output is read line by line, unless it goes to a file.
    func start(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:],
        output file: Descriptor? = nil
    ) throws -> Running {
        let (output, pairOutput) = try UnixSocket.pair(kind: .stream)
        let childOutput = file ?? pairOutput
        let (errors, childErrors) = try UnixSocket.pair(kind: .stream)
        let (input, childInput) = try UnixSocket.pair(kind: .stream)
        let variables = [
            "NARU_RUNTIME_DIR": "\(folder)/run", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LD_LIBRARY_PATH": HostInformation.environment("LD_LIBRARY_PATH") ?? "", "HOME": folder,
        ].merging(environment) { $1 }.map { "\($0.key)=\($0.value)" }
        let child = try ChildProcess(
            executable: executable, arguments: arguments, environment: variables, standardInput: childInput,
            standardOutput: childOutput, standardError: childErrors)
        children.append(child)
        return Running(child, output: output, errors: errors, input: input)
    }

    /// Starts the tests' own peer.
    func peer(_ arguments: [String], environment: [String: String] = [:]) throws -> Running {
        try start(Self.built("NaruIntegrationPeer"), arguments, environment: environment)
    }

    /// Starts the command.
    func naru(_ arguments: [String], environment: [String: String] = [:]) throws -> Running {
        try start(Self.built("naru"), arguments, environment: environment)
    }

    /// A file of records like those of a log, each a line; every tenth is random but for its end.
    func records(_ name: String, count: Int) throws -> String {
        var bytes: [UInt8] = []
        var state: UInt64 = 1
        for index in 0..<count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            if index % 10 == 9 {
                for offset in 0..<UInt64(90) {
                    bytes.append(UInt8(truncatingIfNeeded: (state &+ offset) &* state >> 32))
                }
                bytes.append(UInt8(ascii: "\n"))
            } else {
                let value = state >> 50
                let name = "sensor-\(value % 50)"
                bytes += Array(#"{"id":\#(index),"name":"\#(name)","value":\#(value),"unit":"celsius","ok":true}"#.utf8)
                bytes.append(UInt8(ascii: "\n"))
            }
        }
        let path = folder + "/" + name
        let file = try FileSystem.open(path, [.write, .create, .truncate], permissions: 0o600)
        try write(bytes, bytes.count, to: file)
        return path
    }

    private func write(_ bytes: [UInt8], _ count: Int, to file: Descriptor) throws {
        var written = 0
        while written < count {
            let result = unsafe try bytes.withUnsafeBytes { bytes throws(SystemError) in
                unsafe try file.write(UnsafeRawBufferPointer(rebasing: bytes[written..<count]))
            }
            guard case .bytes(let more) = result else { break }
            written += more
        }
    }

    /// A file of pseudo-random bytes, the same for the same size.
    func file(_ name: String, byteCount: Int) throws -> String {
        let path = folder + "/" + name
        let file = try FileSystem.open(path, [.write, .create, .truncate], permissions: 0o600)
        var state = UInt64(byteCount) | 1
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        var left = byteCount
        while left > 0 {
            for index in stride(from: 0, to: chunk.count, by: 8) {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                for byte in 0..<8 { chunk[index + byte] = UInt8(truncatingIfNeeded: state >> (8 * UInt64(byte))) }
            }
            let count = min(left, chunk.count)
            try write(chunk, count, to: file)
            left -= count
        }
        return path
    }

    /// Whether two files hold the same bytes, by `cmp`.
    func areEqual(_ first: String, _ second: String) throws -> Bool {
        try start("/usr/bin/cmp", [first, second]).end() == .exited(0)
    }
}

/// A started program.
final class Running {
    private let child: ChildProcess
    private let input: Descriptor
    private var output: Lines
    private var errors: Lines

    init(_ child: ChildProcess, output: Descriptor, errors: Descriptor, input: Descriptor) {
        self.child = child
        self.input = input
        self.output = Lines(output)
        self.errors = Lines(errors)
    }

    /// Its number.
    var processID: Int32 { child.processID }

    /// The next line of its output; throws when none comes for long, or it ended.
    func line() throws -> String { try output.next() }

    /// As ``line()``, for work that takes some minutes where it is done without optimisation.
    func patientLine() throws -> String { try output.next(within: .seconds(400)) }

    /// Everything it printed until it ended.
    func allLines() throws -> [String] { try output.all() }

    /// Everything it said on standard error until it ended.
    func allErrors() throws -> [String] { try errors.all() }

    func kill(_ signal: Int32 = Signals.kill) { child.kill(signal) }

    func closeInput() { input.close() }

    /// Writes to its standard input.
    func write(_ text: String) throws {
        let bytes = Array(text.utf8)
        _ = unsafe try bytes.withUnsafeBytes { unsafe try input.write($0) }
    }

    /// Waits, bounded, until every thread of it is in this state: `S` sleeps, `T` is stopped, `Z` has ended and nobody
    /// waited for it.
    func reach(_ state: Character) throws {
        let deadline = Deadline.after(.seconds(60))
        while try !states().allSatisfy({ $0 == state }) {
            guard !deadline.isPast else { throw Lines.Silence(said: "threads are \(try states()), not \(state)") }
            Processor.yield()
        }
    }

    /// As ``reach(_:)``; `false` when the program ended first.
    func reaches(_ state: Character) throws -> Bool {
        while isRunning {
            if (try? states().allSatisfy { $0 == state }) == true { return true }
            Processor.yield()
        }
        return false
    }

    private func states() throws -> [Character] {
        let folder = "/proc/\(child.processID)/task"
        return try FileSystem.list(folder).map { thread in
            // A thread that ended meanwhile has no state; the caller looks again.
            guard let text = try? FileSystem.readSmallFile("\(folder)/\(thread)/stat", limit: 4096) else { return "?" }
            return String(decoding: text, as: UTF8.self).split(separator: ")").last?.dropFirst().first ?? "?"
        }
    }

    /// Whether it still runs.
    var isRunning: Bool { child.poll() == nil }

    /// Waits for its end.
    func end() -> NaruSystem.ExitStatus { child.wait() }
}

/// Reads lines from a descriptor, waiting a bounded time for each.
struct Lines {
    private let descriptor: Descriptor
    private var buffer: [UInt8] = []

    struct Silence: Error {
        var said: String
    }

    init(_ descriptor: Descriptor) { self.descriptor = descriptor }

    mutating func next(within patience: Duration = .seconds(60)) throws -> String {
        let deadline = Deadline.after(patience)
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                defer { buffer.removeFirst(end + 1) }
                return String(decoding: buffer[..<end], as: UTF8.self)
            }
            guard try fill(deadline) else { throw Silence(said: String(decoding: buffer, as: UTF8.self)) }
        }
    }

    mutating func all() throws -> [String] {
        let deadline = Deadline.after(.seconds(60))
        while try fill(deadline) {}
        defer { buffer = [] }
        return String(decoding: buffer, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private mutating func fill(_ deadline: Deadline) throws -> Bool {
        guard try !descriptor.poll(.readable, deadline: deadline).isEmpty else { return false }
        var chunk = [UInt8](repeating: 0, count: 4096)
        let result = unsafe try chunk.withUnsafeMutableBytes { unsafe try descriptor.read(into: $0) }
        guard case .bytes(let count) = result else { return false }
        buffer += chunk[..<count]
        return true
    }
}

/// A count in a mapped file, written by another process.
struct Progress {
    private let mapping: Mapping

    init(path: String) throws {
        let file = try FileSystem.open(path, [.read, .write, .create], permissions: 0o600)
        try file.allocate(byteCount: 4096)
        mapping = try Mapping(file, byteCount: 4096, access: .readWrite, prefault: true)
    }

    var count: UInt64 {
        // The mapping is page aligned, larger than the word, and lives as long as this value.
        unsafe mapping.base.assumingMemoryBound(to: Atomic<UInt64>.self).pointee.load(ordering: .acquiring)
    }

    /// Waits, bounded, until the count is at least this.
    func reach(_ count: UInt64) throws {
        let deadline = Deadline.after(.seconds(60))
        while self.count < count {
            guard !deadline.isPast else { throw Lines.Silence(said: "\(self.count) of \(count)") }
            Processor.yield()
        }
    }
}

/// Waits for a program's end, which must be a success; what it said is in the failure.
func expectSuccess(of program: Running) throws {
    let status = program.end()
    let said = try program.allErrors()
    #expect(status == .exited(0), "\(said)")
}
