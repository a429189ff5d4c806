// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Glibc
import Logging
import Naru
import NaruSystem
import Synchronization

/// Ends this process with a code, after what was printed is out.
func exitNow(_ code: Int32) -> Never {
    fflush(nil)
    exit(code)
}

/// Runs the rounds and judges what is left of them.
final class Drive: Sendable {
    private static let workers = 4
    /// How long a survivor may not know that its peer is dead.
    private static let hang = Duration.seconds(10)

    private let count: Int
    private let seed: UInt64
    private let folder: String
    private let executioner: Reactor
    private let state = Mutex(State())

    private struct State {
        var next = 0
        var tally = Tally()
        var sentences: [Int: Sentence] = [:]
    }

    init(count: Int, seed: UInt64) throws {
        self.count = count
        self.seed = seed
        folder = "/tmp/naru-kills-\(ProcessIdentity.current.processID)-\(String(SystemRandom.word(), radix: 36))"
        try FileSystem.makeDirectory(folder, permissions: 0o700)
        try FileSystem.makeDirectory(folder + "/run", permissions: 0o700)
        executioner = try Reactor(name: "executioner")
    }

    deinit {
        for directory in [folder + "/run", folder] {
            for name in (try? FileSystem.list(directory)) ?? [] { try? FileSystem.remove(directory + "/" + name) }
            try? FileSystem.removeDirectory(directory)
        }
    }

    /// Whether all is as it must be.
    func run() async throws -> Bool {
        print("\(count) kills, seed \(seed)")
        let naru = try await Naru(
            sources: ConfigurationSources(environment: ["NARU_RUNTIME_DIR": folder + "/run"], workingDirectory: folder),
            logger: Logger(label: "kills") { _ in SwiftLogNoOpLogHandler() })
        watch()
        // What opens once and stays, of Swift's executor for one, is open after the first rounds.
        print(Tally.head)
        try await rounds(min(16, count), naru.runtime)
        let before = try Holdings()
        try await rounds(count, naru.runtime)
        var complaints = state.withLock { $0.tally.complaints }
        complaints += try left(naru.runtime, since: before).map { "left behind: \($0)" }
        await naru.shutdown()
        report(complaints)
        return complaints.isEmpty
    }

    private func report(_ complaints: [String]) {
        let tally = state.withLock { $0.tally }
        print("told: \(tally.reasons)")
        print("told after: \(tally.histogram)")
        for complaint in complaints { print("WRONG: \(complaint)") }
        print(
            complaints.isEmpty
                ? "\(tally.kills) kills: no hang, nothing lost that was handed over, nothing left behind"
                : "\(tally.kills) kills: \(complaints.count) wrong (seed \(seed))")
    }

    /// Goes on until this many rounds are done.
    private func rounds(_ count: Int, _ runtime: Runtime) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<Self.workers {
                group.addTask { try await self.work(worker, until: count, runtime) }
            }
            try await group.waitForAll()
        }
    }

    private func work(_ worker: Int, until count: Int, _ runtime: Runtime) async throws {
        let path = "\(folder)/ledger-\(worker)"
        let ledger = try Ledger(path: path)
        while let number = state.withLock({ state -> Int? in
            guard state.next < count else { return nil }
            state.next += 1
            return state.next
        }) {
            var random = Random(seed: seed &+ UInt64(number))
            let plan = Plan(number, worker: worker, &random)
            ledger.reset()
            let victim = try ChildProcess(
                executable: ChildProcess.executablePath, arguments: plan.arguments(ledger: path),
                environment: environment)
            let sentence = Sentence(plan, victim, ledger)
            state.withLock { $0.sentences[worker] = sentence }
            let survivor = Survivor(runtime: runtime, sentence: sentence, ledger: ledger)
            let outcome = try await round(survivor, plan)
            let status = try await onThread { victim.wait() }
            var complaint = survivor.complaint(outcome)
            if complaint == nil, status != .killed(Signals.kill) { complaint = "the victim ended by itself: \(status)" }
            add(outcome, complaint, plan)
        }
    }

    private func round(_ survivor: Survivor, _ plan: Plan) async throws -> Outcome {
        guard plan.isAsync else {
            survivor.sentence.carryOut(by: executioner, giveUp: nil)
            return try await onThread { survivor.surviveBlocking() }
        }
        let task = Task { await survivor.survive() }
        survivor.sentence.carryOut(by: executioner) { task.cancel() }
        return await task.value
    }

    private var environment: [String] {
        ["NARU_RUNTIME_DIR=\(folder)/run", "LD_LIBRARY_PATH=\(HostInformation.environment("LD_LIBRARY_PATH") ?? "")"]
    }

    private func add(_ outcome: Outcome, _ complaint: String?, _ plan: Plan) {
        let row = state.withLock { state -> String? in
            state.tally.add(outcome, complaint, plan)
            return state.tally.kills.isMultiple(of: max(count / 20, 1)) ? state.tally.row : nil
        }
        if let row {
            print(row)
            fflush(nil)
        }
    }

    /// Ends the process when a survivor does not learn that its peer is dead.
    private func watch() {
        _ = executioner.schedule(at: .after(.seconds(1))) { [weak self] in
            guard let self else { return }
            let now = MonotonicClock.nanoseconds()
            for sentence in self.state.withLock({ Array($0.sentences.values) })
            where sentence.overdue(now) > UInt64(Self.hang.components.seconds) * 1_000_000_000 {
                self.report([
                    "a survivor hangs: \(sentence.plan.description) (its process is \(sentence.victim.processID))"
                ])
                exitNow(1)
            }
            self.watch()
        }
    }

    /// What is left, once what other threads still hold has gone.
    private func left(_ runtime: Runtime, since before: Holdings) throws -> [String] {
        // A killed receiver leaves its name; whoever listens there next takes it over, and removes it in the end.
        for worker in 0..<Self.workers { try runtime.listener(.local(name: "kill-\(worker)")).close() }
        let deadline = Deadline.after(.seconds(5))
        while true {
            let left =
                try Holdings().left(since: before)
                + FileSystem.list(folder + "/run").map { "in the runtime directory: \($0)" }
            if left.isEmpty || deadline.isPast { return left }
            Processor.yield()
        }
    }
}
