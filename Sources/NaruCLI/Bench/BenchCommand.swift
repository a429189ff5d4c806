// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import ArgumentParser
import Naru
import NaruSystem

/// `naru bench`: what the transports do on this host.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures round trips, streams, idle links and connecting on this host.",
        discussion: """
            Every case runs in fresh processes, the client on core 0 and the server on core 1, and carries the round \
            trip of a cache line between the two cores before and after it: compare only cases of a like floor. \
            Options that name several values measure every combination.
            """)

    @Option(parsing: .upToNextOption, help: "What to measure: rtt, stream, idle, connect.")
    var pattern: [BenchPattern] = [.rtt, .stream]

    @Option(parsing: .upToNextOption, help: ArgumentHelp("The transports.", valueName: "name"))
    var transport: [String] = ["in-process", "shared-memory", "unix-socket", "tcp"]

    @Option(
        parsing: .upToNextOption, help: ArgumentHelp("The sizes of a message, 8 bytes at least.", valueName: "bytes"))
    var size: [ByteCount] = [64, 4_096, 65_536, 1 << 20].map { ByteCount($0) }

    @Option(parsing: .upToNextOption, help: "How the ends wait: latency, balanced, power.")
    var wait: [WaitMode] = [.latency]

    @Option(parsing: .upToNextOption, help: "How the ends send: copy, loan, batch.")
    var send: [BenchSend] = [.copy]

    @Option(parsing: .upToNextOption, help: "Which form of the endpoints: blocking, async, executor.")
    var form: [BenchForm] = [.blocking]

    @Option(help: "off, zstd or zstd:LEVEL.")
    var compression = "off"

    @Option(help: "1: every byte is written and read. 0: the first 8 are.")
    var touch = 1

    @Option(help: ArgumentHelp("How often to measure all of it.", valueName: "number"))
    var rounds = 1

    @Option(help: "How long an idle link is watched.")
    var seconds = 5.0

    @Flag(help: "A quarter of the messages.")
    var quick = false

    @Flag(help: "Both ends on core 0.")
    var sameCore = false

    @Flag(help: "A spinner of idle priority on each core, so that a virtual core never halts.")
    var awake = false

    @Flag(help: "Print a line of JSON for each case, and no table.")
    var jsonLines = false

    func validate() throws {
        guard touch == 0 || touch == 1 else { throw ValidationError("--touch must be 0 or 1") }
        guard (1...1_000).contains(rounds) else { throw ValidationError("--rounds must be from 1 to 1000") }
        guard seconds > 0, seconds <= 60 else { throw ValidationError("--seconds must be above 0, at most 60") }
        guard !(sameCore && awake) else { throw ValidationError("--same-core and --awake exclude each other") }
        for size in size where size.bytes < 8 || size.bytes > 1 << 26 {
            throw ValidationError("--size must be from 8 bytes to 64MiB")
        }
    }

    private var cores: BenchCores { sameCore ? .same : awake ? .awake : .cross }

    private var cases: [BenchCase] {
        var cases: [BenchCase] = []
        for pattern in pattern {
            // Where the size or the way of sending makes no difference, one case is enough.
            let sizes = pattern == .idle || pattern == .connect ? [64] : size.map(\.bytes)
            let sends = pattern == .idle || pattern == .connect ? [BenchSend.copy] : send
            for transport in transport {
                for size in sizes {
                    for wait in wait {
                        for send in sends {
                            for form in form where !(pattern == .rtt && send == .batch) {
                                cases.append(
                                    BenchCase(
                                        pattern: pattern, transport: transport, size: size, wait: wait, send: send,
                                        form: form, cores: cores, compression: compression, touch: touch == 1,
                                        seconds: seconds, isQuick: quick))
                            }
                        }
                    }
                }
            }
        }
        return cases
    }

    func run() async throws {
        let folder = try BenchFolder()
        defer { folder.remove() }
        let spinners = awake ? try AwakeSpinners(cores: min(2, HostInformation.coreCount)) : nil
        defer { spinners?.stop() }
        var table = BenchTable()
        var failed = false
        for round in 0..<rounds {
            for plan in cases {
                if !jsonLines, Console.isErrorTerminal { Console.redraw("measuring \(table.name(plan)) …") }
                do {
                    let result = try BenchRun(plan, folder: folder.path).measure()
                    if jsonLines { try Console.print(result.json(round: round).line) } else { table.add(result) }
                } catch {
                    failed = true
                    Console.error("\(table.name(plan)): \(error)")
                }
            }
        }
        if !jsonLines {
            if Console.isErrorTerminal { Console.redraw("") }
            for line in table.lines { try Console.print(line) }
        }
        if failed { throw ExitCode.failure }
    }
}

/// The private folder in which the ends of measurements meet; goes with everything in it.
struct BenchFolder {
    let path: String

    init() throws {
        let parent = HostInformation.environment("TMPDIR") ?? "/tmp"
        path = "\(parent)/naru-bench-\(UInt64.random(in: 0 ... .max))"
        do {
            try FileSystem.makeDirectory(path, permissions: 0o700)
        } catch {
            throw NaruError(error, operation: "make", object: path)
        }
    }

    func remove() {
        for name in (try? FileSystem.list(path)) ?? [] { try? FileSystem.remove("\(path)/\(name)") }
        try? FileSystem.removeDirectory(path)
    }
}
