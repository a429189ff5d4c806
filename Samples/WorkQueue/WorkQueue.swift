// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Foundation
import Naru

/// Jobs among workers, with priorities; a worker is killed in mid-job.
///
///     WorkQueue              the boss: posts jobs, starts three workers, kills one, does its job anew
///     WorkQueue work NAME    a worker of the boss whose queues are called NAME
@main
struct WorkQueue {
    static func main() async {
        do {
            let arguments = CommandLine.arguments.dropFirst()
            if arguments.first == "work", let name = arguments.dropFirst().first {
                try await work(name)
            } else {
                try await Boss(name: "work-\(ProcessInfo.processInfo.processIdentifier)").run()
            }
        } catch {
            print("WorkQueue: \(error)")
            exit(1)
        }
    }

    /// Takes jobs, the most urgent first, until one says that there are no more.
    static func work(_ name: String) async throws {
        let naru = try await Naru()
        let jobs = try await naru.queueReceiver(sorted(naru, "\(name)-jobs"))
        let results = try await naru.queueSender("\(name)-results")
        let me = ProcessInfo.processInfo.processIdentifier
        while let job = try await jobs.receive({ String(copying: $0.bytes) }), job != "stop" {
            // From here on the job is this worker's alone: if it dies, nobody else is given it.
            try await results.send("started \(job) \(me)".bytes)
            if job.hasSuffix("slow") { try await Task.sleep(for: .seconds(600)) }
            try await results.send("done \(job) \(me)".bytes)
        }
        await naru.shutdown()
    }

    /// The settings of a queue that gives the most urgent message first.
    static func sorted(_ naru: Naru, _ link: String) throws -> LinkSettings {
        var settings = try naru.settings(for: link)
        try settings.set("require", to: .list(["priority"]), source: "WorkQueue")
        return settings
    }
}

extension String {
    /// A message's text.
    init(copying bytes: RawSpan) { self.init(decoding: [UInt8](copying: bytes), as: UTF8.self) }
    /// The text as a message.
    var bytes: [UInt8] { Array(utf8) }
}
