// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import CSweepTracer
import NaruConformance
import NaruSystem

/// A place for one worker: a folder with a runtime directory of its own, and, where the host permits it, kernel objects
/// that nobody else sees. Used by the thread that made it, and by the processes that it starts.
final class Stage {
    /// How long anything may take before it is taken for a hang.
    static let patience = Duration.seconds(20)

    let folder: String
    private let link: String
    private let port: UInt16
    let null: Descriptor
    /// Whether kernel objects are its own; otherwise those of others count as well.
    let isIsolated: Bool
    private var ledgers = 0
    private var parties: [Running] = []

    init(_ number: Int) throws {
        isIsolated = sweep_isolate() == 0
        _ = sweep_isolate_network()
        let mark = "\(ProcessIdentity.current.processID)-\(number)"
        folder = "/tmp/naru-sweep-\(mark)-\(String(SystemRandom.word(), radix: 36))"
        link = "sweep-\(mark)"
        port = try Loopback.freePort()
        null = try FileSystem.open("/dev/null", [.read, .write])
        try FileSystem.makeDirectory(folder, permissions: 0o700)
        try FileSystem.makeDirectory(folder + "/run", permissions: 0o700)
    }

    deinit {
        endAll()
        for directory in [folder + "/run", folder] {
            for name in (try? FileSystem.list(directory)) ?? [] { try? FileSystem.remove(directory + "/" + name) }
            try? FileSystem.removeDirectory(directory)
        }
    }

    var environment: [String] {
        [
            "NARU_RUNTIME_DIR=\(folder)/run", "HOME=\(folder)",
            "LD_LIBRARY_PATH=\(HostInformation.environment("LD_LIBRARY_PATH") ?? "")",
        ]
    }

    /// What ends that use a transport are called by: `@tcp` behind it means that they meet at an address of loopback.
    func link(_ transport: String) -> String {
        transport.hasSuffix("@tcp") ? "tcp:127.0.0.1:\(port)/\(link)" : link
    }

    /// A ledger that no other party of the round has.
    func ledger() -> String {
        ledgers += 1
        return "\(folder)/ledger-\(ledgers)"
    }

    /// Starts a party.
    func start(_ role: String, _ transport: String, _ number: Int = 0, ledger: String? = nil) throws -> Running {
        let path = ledger ?? self.ledger()
        let (input, childInput) = try UnixSocket.pair(kind: .stream)
        let process = try ChildProcess(
            executable: ChildProcess.executablePath,
            arguments: ["party", role, link(transport), transport, path, "\(number)"], environment: environment,
            standardInput: childInput, standardOutput: null, standardError: null)
        let running = Running(role, process, try Ledger(path: path), input)
        parties.append(running)
        return running
    }

    /// Ends what still runs, and forgets what was written down.
    func endAll() {
        for party in parties { party.end() }
        parties = []
        for name in (try? FileSystem.list(folder)) ?? [] where name.hasPrefix("ledger-") {
            try? FileSystem.remove("\(folder)/\(name)")
        }
        ledgers = 0
    }

    /// The named objects there are.
    func objects() -> Set<String> {
        var objects: Set<String> = []
        for directory in [folder + "/run", "/dev/shm", "/dev/mqueue"] {
            for name in (try? FileSystem.list(directory)) ?? [] {
                objects.insert(directory == folder + "/run" ? name : "\(directory)/\(name)")
            }
        }
        // What lies in no folder of a stage; others may be at work there as well.
        let foreign = "naru-\(HostInformation.userID)-"
        for name in (try? FileSystem.list("/tmp")) ?? [] where name.hasPrefix(foreign) {
            objects.insert("/tmp/\(name)")
        }
        for kind in ["msg", "sem", "shm"] {
            let text = (try? FileSystem.readSmallFile("/proc/sysvipc/\(kind)", limit: 1 << 22)) ?? []
            for line in String(decoding: text, as: UTF8.self).split(separator: "\n").dropFirst() {
                let words = line.split(separator: " ")
                if words.count > 1 { objects.insert("System V \(kind) \(words[1]), key \(words[0])") }
            }
        }
        return objects
    }
}

/// A party that was started.
final class Running {
    let role: String
    let ledger: Ledger
    let process: ChildProcess
    private let input: Descriptor

    init(_ role: String, _ process: ChildProcess, _ ledger: Ledger, _ input: Descriptor) {
        (self.role, self.process, self.ledger, self.input) = (role, process, ledger, input)
    }

    func closeInput() { input.close() }

    /// Whether it has ended by itself within the time that is taken for a hang.
    func ends() -> Bool {
        ((try? process.handle.poll(.readable, deadline: .after(Stage.patience))) ?? []).isEmpty == false
    }

    /// Waits, bounded, until it is as far as this.
    func reaches(_ phase: Ledger.Phase) -> Bool {
        let deadline = Deadline.after(Stage.patience)
        while ledger.phase.rawValue < phase.rawValue {
            guard !deadline.isPast, process.poll() == nil else { return ledger.phase.rawValue >= phase.rawValue }
            Processor.yield()
        }
        return true
    }

    func end() {
        if process.poll() == nil { process.kill(Signals.kill) }
        _ = process.wait()
    }

    /// How far it is, for a complaint.
    var state: String { "\(role) is at \(ledger.phase), \(ledger.count) \(ledger.text)" }
}
