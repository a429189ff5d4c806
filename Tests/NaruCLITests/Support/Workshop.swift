// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

/// A folder with a runtime directory of its own, in which the command is run; everything is removed at the end.
struct Workshop {
    /// The folder's path.
    let path: String

    /// Runs `body` with a new folder.
    static func with<Result>(_ body: (Workshop) throws -> Result) throws -> Result {
        let workshop = Workshop(path: "/tmp/naru-cli-\(String(SystemRandom.word(), radix: 36))")
        try FileSystem.makeDirectory(workshop.path, permissions: 0o700)
        defer { workshop.remove() }
        return try body(workshop)
    }

    /// A run of the command.
    struct Run {
        fileprivate let process: ChildProcess
        fileprivate let output: String
        fileprivate let errors: String

        /// Waits for the end; what it printed, and its exit code.
        func finish() throws -> (code: Int32?, output: String, errors: String) {
            let code: Int32? = if case .exited(let code) = process.wait() { code } else { nil }
            return (code, try Workshop.text(output), try Workshop.text(errors))
        }
    }

    /// Starts the command with this folder as its runtime directory.
    func start(_ arguments: String..., input: String? = nil, environment: [String] = []) throws -> Run {
        try start(arguments, input: input, environment: environment)
    }

    /// As above.
    func start(_ arguments: [String], input: String? = nil, environment: [String] = []) throws -> Run {
        let name = "\(path)/\(SystemRandom.word())"
        return Run(
            process: try ChildProcess(
                executable: Self.command, arguments: arguments,
                environment: ["NARU_RUNTIME_DIR=\(path)/run"] + environment,
                standardInput: try FileSystem.open(input ?? "/dev/null", .read),
                standardOutput: try FileSystem.open(name + ".out", [.write, .create, .exclusive]),
                standardError: try FileSystem.open(name + ".err", [.write, .create, .exclusive])),
            output: name + ".out", errors: name + ".err")
    }

    /// Writes a file into the folder and returns its path.
    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = "\(path)/\(name)"
        let descriptor = try FileSystem.open(file, [.write, .create, .exclusive])
        // Safe: the buffer is the array's own.
        try unsafe bytes.withUnsafeBytes { try unsafe descriptor.pwrite($0, at: 0) }
        return file
    }

    /// The bytes of a file.
    static func bytes(_ path: String) throws -> [UInt8] {
        try FileSystem.readSmallFile(path, limit: 64 << 20)
    }

    private static func text(_ path: String) throws -> String {
        String(decoding: try bytes(path), as: UTF8.self)
    }

    /// The built command lies beside the program that runs the tests.
    private static var command: String {
        String(ChildProcess.executablePath.reversed().drop { $0 != "/" }.reversed()) + "naru"
    }

    private func remove() {
        for folder in [path + "/run", path] {
            for name in (try? FileSystem.list(folder)) ?? [] { try? FileSystem.remove("\(folder)/\(name)") }
            try? FileSystem.removeDirectory(folder)
        }
    }
}
