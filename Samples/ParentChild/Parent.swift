// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru

/// Starts the workers and gives each a job when it has answered the last.
enum Parent {
    /// The answers that the second worker gives before it is killed, and the third before it retires.
    private static let patience = 5

    static func run(workers: Int, jobs: Jobs) async throws {
        let naru = try await Naru()
        await withTaskGroup(of: String.self) { group in
            for number in 1...workers {
                group.addTask {
                    do {
                        return try await feed(number, jobs, naru)
                    } catch {
                        await jobs.leave(number)
                        return "worker \(number): \(error)"
                    }
                }
            }
            for await report in group { print(report) }
        }
        let (answered, sum) = await jobs.result
        print("\(answered) of \(jobs.count) jobs answered, sum \(sum)")
        await naru.shutdown()
    }

    /// One worker's life; how it ended.
    private static func feed(_ number: Int, _ jobs: Jobs, _ naru: Naru) async throws -> String {
        var arguments = ["worker"]
        if number == 3 { arguments.append("\(patience)") }
        let worker = try naru.start(ChildProgram("/proc/self/exe", arguments, links: ["work"]))
        let channel = try await naru.channel("work", with: worker)
        var answers = 0
        var news = "by \(channel.control.agreement.transport)"
        while let job = await jobs.take(number) {
            do {
                try await channel.send([UInt8](job))
                // No answer at the end of the link; the error says how the worker's process ended.
                guard let answer = try await channel.receive({ UInt64(littleEndianBytes: $0.bytes) }) else {
                    throw NaruError(.finished, operation: "work", object: "worker \(number)", reason: "it has finished")
                }
                await jobs.answered(answer)
                answers += 1
                if number == 2, answers == patience { worker.kill() }
            } catch let error as NaruError {
                await jobs.leave(number, holding: job)
                news += ", left its work: \(error.closeReason?.description ?? error.reason)"
                break
            }
        }
        // No more work. A worker that has gone takes nothing, and that is known already.
        _ = try? await channel.sender.finish()
        channel.close()
        let end =
            switch try await worker.waitForEnd() {
            case .exited(let code): "exited with code \(code)"
            case .killed(let signal): "was killed by signal \(signal)"
            }
        return "worker \(number) (process \(worker.processID)): \(answers) answers \(news); it \(end)"
    }
}

/// Numbers to be squared and summed, each by one worker. Every worker has a share of its own, and then those of workers
/// that have ended.
actor Jobs {
    nonisolated let count: Int
    private var shares: [[UInt64]]
    private var abandoned: [UInt64] = []
    private var idle: [CheckedContinuation<UInt64?, Never>] = []
    private var answers = 0
    private var sum: UInt64 = 0

    init(count: Int, workers: Int) {
        self.count = count
        shares = (0..<workers).map { worker in stride(from: UInt64(worker), to: UInt64(count), by: workers).reversed() }
    }

    /// A worker's next job, once there is one; `nil` when all are answered.
    func take(_ worker: Int) async -> UInt64? {
        if let job = shares[worker - 1].popLast() ?? abandoned.popLast() { return job }
        if answers == count { return nil }
        return await withCheckedContinuation { idle.append($0) }
    }

    func answered(_ answer: UInt64) {
        answers += 1
        sum &+= answer
        guard answers == count else { return }
        for continuation in idle { continuation.resume(returning: nil) }
        idle = []
    }

    /// A worker has ended, perhaps with a job in hand.
    func leave(_ worker: Int, holding job: UInt64? = nil) {
        abandoned += shares[worker - 1] + (job.map { [$0] } ?? [])
        shares[worker - 1] = []
        while !idle.isEmpty, let job = abandoned.popLast() { idle.removeLast().resume(returning: job) }
    }

    var result: (answered: Int, sum: UInt64) { (answers, sum) }
}
