// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Foundation
import Naru

/// Posts jobs and follows them: what was started and has no result belongs to a worker that died, and is posted anew.
struct Boss {
    let name: String

    func run() async throws {
        let naru = try await Naru()
        let jobs = try await naru.queueSender(WorkQueue.sorted(naru, "\(name)-jobs"))
        let results = try await naru.queueReceiver("\(name)-results")
        print("the jobs lie in a \(jobs.control.agreement.transport)")

        // Nobody listens yet: the kernel keeps the jobs. The urgent ones are posted last and done first.
        for number in 1...4 { try await jobs.send("job-\(number)".bytes) }
        try await jobs.send("job-5-slow".bytes, label: MessageLabel(priority: 5))
        for number in 6...7 { try await jobs.send("job-\(number)-urgent".bytes, label: MessageLabel(priority: 9)) }
        // Alone at first: of several, one may be overtaken by another that is done with a later job.
        var workers = [try start()]

        var done: [String] = []
        while done.count < 7 {
            guard let line = try await results.receive({ String(copying: $0.bytes) }) else { break }
            print(line)
            let words = line.split(separator: " ").map(String.init)
            if words[0] == "done" {
                done.append(words[1])
                // The urgent ones are done.
                if done.count == 2 { workers += try (0..<2).map { _ in try start() } }
            } else if words[1] == "job-5-slow", let pid = Int32(words[2]) {
                kill(pid, SIGKILL)
                workers.removeAll { worker in
                    guard worker.processIdentifier == pid else { return false }
                    worker.waitUntilExit()
                    return true
                }
                print("killed \(pid) in mid-job; its job is posted anew")
                try await jobs.send("job-5".bytes, label: MessageLabel(priority: 5))
            }
        }
        print("done in this order: \(done.joined(separator: ", "))")

        // Below every job: a worker stops when there is nothing else.
        for _ in workers { try await jobs.send("stop".bytes) }
        for worker in workers { worker.waitUntilExit() }
        jobs.close()
        results.close()
        for queue in ["\(name)-jobs", "\(name)-results"] { _ = try naru.removeQueue(queue) }
        await naru.shutdown()
    }

    /// A worker in a process of its own.
    private func start() throws -> Process {
        let worker = Process()
        worker.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        worker.arguments = ["work", name]
        try worker.run()
        return worker
    }
}
