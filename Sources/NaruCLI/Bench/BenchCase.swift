// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import ArgumentParser
public import Naru

/// What is measured.
enum BenchPattern: String, ExpressibleByArgument, CaseIterable {
    /// Full round trip, the same size both ways.
    case rtt
    /// One way, as fast as it goes.
    case stream
    /// Processor time of both ends while nothing is sent.
    case idle
    /// Connect, negotiate, first message and its answer.
    case connect
}

/// How the sending end sends.
enum BenchSend: String, ExpressibleByArgument, CaseIterable {
    case copy, loan, batch
}

/// Which form of the endpoints is used.
enum BenchForm: String, ExpressibleByArgument, CaseIterable {
    /// The blocking form, on a thread of the program's own.
    case blocking
    /// The async form, on Swift's own threads.
    case async
    /// The async form, on an executor whose own thread waits.
    case executor
}

/// Where the two ends run.
enum BenchCores: String, ExpressibleByArgument {
    /// The first end on core 0, the second on core 1.
    case cross
    /// Both on core 0.
    case same
    /// As `cross`, with a spinner of idle priority on each, so that a virtual core never halts.
    case awake

    /// The core of an end.
    func core(of end: BenchEnd) -> Int { self == .same || end == .client ? 0 : 1 }
}

/// An end of a measurement: the client sends first.
enum BenchEnd: String, ExpressibleByArgument {
    case client, server
}

/// One measurement: everything both ends have to know.
struct BenchCase: ParsableArguments {
    @Option var pattern: BenchPattern
    @Option var transport: String
    @Option var size: Int
    @Option var count: Int
    @Option var warm: Int
    @Option var wait: WaitMode
    @Option var send: BenchSend
    @Option var form: BenchForm
    @Option var cores: BenchCores
    @Option var compression: String
    @Option var seconds: Double
    @Flag var touch = false

    init() {}

    init(
        pattern: BenchPattern, transport: String, size: Int, wait: WaitMode, send: BenchSend, form: BenchForm,
        cores: BenchCores, compression: String, touch: Bool, seconds: Double, isQuick: Bool
    ) {
        self.pattern = pattern
        self.transport = transport
        self.size = size
        self.wait = wait
        self.send = send
        self.form = form
        self.cores = cores
        self.compression = compression
        self.touch = touch
        self.seconds = seconds
        let full = Self.count(pattern, size, inMemory: transport == "shared-memory" || transport == "in-process")
        count = max(full / (isQuick ? 4 : 1), 1)
        warm = pattern == .connect ? 1 : count / 20 + 10
    }

    /// Enough for a steady median, some seconds at most.
    private static func count(_ pattern: BenchPattern, _ size: Int, inMemory: Bool) -> Int {
        switch pattern {
        case .idle: return 1
        case .connect: return 400
        case .rtt:
            return size <= 4_096 ? 200_000 : size <= 65_536 ? 20_000 : size <= 1 << 20 ? 1_500 : 400
        case .stream:
            let count =
                switch size {
                case ...64: 2_000_000
                case ...1_024: 1_000_000
                case ...4_096: 500_000
                case ...65_536: 60_000
                case ...0x10_0000: 4_000
                default: 1_000
                }
            guard inMemory else { return count }
            return count * (size <= 64 ? 20 : size <= 4_096 ? 8 : 4)
        }
    }

    /// The case as the options of an end.
    var arguments: [String] {
        [
            "--pattern", pattern.rawValue, "--transport", transport, "--size", "\(size)", "--count", "\(count)",
            "--warm", "\(warm)", "--wait", wait.rawValue, "--send", send.rawValue, "--form", form.rawValue,
            "--cores", cores.rawValue, "--compression", compression, "--seconds", "\(seconds)",
        ] + (touch ? ["--touch"] : [])
    }

    /// How a receiver waits, in the words of the kit's lines.
    var waitWord: String {
        switch wait {
        case .latency: "spin"
        case .balanced: "balanced"
        case .power: "block"
        }
    }

    /// The members that name a case in a line of JSON, before those of its result.
    func members(mechanism: String, round: Int) -> [(String, JSON)] {
        [
            ("peer", .string("naru")), ("mech", .string(mechanism)), ("pattern", .string(pattern.rawValue)),
            ("size", .integer(size)), ("touch", .integer(touch ? 1 : 0)), ("nsub", .integer(1)),
            ("wait", .string(waitWord)), ("cpus", .string(cores.rawValue)), ("round", .integer(round)),
            ("n", .integer(count)), ("send", .string(send.rawValue)), ("form", .string(form.rawValue)),
            ("codec", .string(compression)),
        ]
    }
}

extension WaitMode: ExpressibleByArgument {}
