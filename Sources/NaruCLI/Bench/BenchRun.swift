// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import NaruSystem

/// One case in fresh processes.
struct BenchRun {
    private let plan: BenchCase
    private let folder: String

    /// The longest that a case may take before its processes are ended.
    private static let limit = Duration.seconds(120)

    init(_ plan: BenchCase, folder: String) {
        self.plan = plan
        self.folder = folder
    }

    /// Starts the ends, waits for both, and puts together what they measured.
    func measure() throws -> BenchResult {
        let before = try floor()
        let stolen = Self.stolenMilliseconds()
        // Inside one process both ends are in one; otherwise the server has one of its own, which for a pipe the client
        // starts.
        let ends: [BenchEnd?] =
            switch TransportName(plan.transport) {
            case .inProcess: [nil]
            case .pipe: [.client]
            default: [.server, .client]
            }
        let processes = try ends.map(start)
        let deadline = Deadline.after(Self.limit)
        var outcomes: [BenchOutcome] = []
        do {
            for process in processes { outcomes.append(try process.outcome(deadline: deadline)) }
        } catch {
            // One end alone waits for the other: both go.
            for process in processes { process.end() }
            throw error
        }
        var outcome = outcomes.removeLast()
        for other in outcomes { outcome.combine(other) }
        return BenchResult(
            plan: plan, outcome: outcome, stolenMilliseconds: Self.stolenMilliseconds() - stolen,
            floor: (before, try floor()))
    }

    private func floor() throws -> Double { plan.cores == .same ? 0 : try CoreFloor.probe() }

    private func start(_ end: BenchEnd?) throws -> EndProcess {
        try EndProcess(
            ["bench-end"] + plan.arguments + ["--folder", folder] + (end.map { ["--end", $0.rawValue] } ?? []))
    }

    /// What the hypervisor took from all cores since the start of the host, in milliseconds.
    private static func stolenMilliseconds() -> Int {
        guard let bytes = try? FileSystem.readSmallFile("/proc/stat", limit: 4_096) else { return 0 }
        let first = String(decoding: bytes, as: UTF8.self).prefix { $0 != "\n" }
        let words = first.split(separator: " ")
        // In hundredths of a second.
        return words.count > 8 ? (Int(words[8]) ?? 0) * 10 : 0
    }
}

/// The process of one end.
private struct EndProcess {
    private let child: ChildProcess
    private let output: Descriptor

    init(_ arguments: [String]) throws {
        do throws(SystemError) {
            let pipe = try SystemPipe.make(nonBlocking: false)
            child = try ChildProcess(
                executable: ChildProcess.executablePath, arguments: arguments, standardOutput: pipe.writing)
            output = pipe.reading
        } catch {
            throw NaruError(error, operation: "start", object: "an end of the measurement")
        }
    }

    /// Waits for the end to finish. Its one line fits the pipe, so it never waits for a reader.
    func outcome(deadline: Deadline) throws -> BenchOutcome {
        guard try !child.handle.poll(.readable, deadline: deadline).isEmpty else {
            throw failure("it did not finish in time")
        }
        let status = child.wait()
        guard status == .exited(0) else { throw failure("it ended with \(status)") }
        guard let outcome = try BenchOutcome(from: output) else { throw failure("it said nothing") }
        return outcome
    }

    func end() {
        child.kill(9)
        _ = child.wait()
    }

    private func failure(_ reason: String) -> NaruError {
        NaruError(.system, operation: "measure", object: "an end", reason: reason)
    }
}

extension BenchOutcome {
    /// What an end printed that has ended.
    init?(from output: Descriptor) throws {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        // The buffer is the array's own.
        let result = unsafe try bytes.withUnsafeMutableBytes { unsafe try output.read(into: $0) }
        guard case .bytes(let count) = result,
            let line = String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").last
        else { return nil }
        self.init(line: line)
    }
}
