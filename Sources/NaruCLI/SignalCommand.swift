// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import ArgumentParser
import Naru
import NaruSystem

/// `naru signal`: tells whoever waits, now or later.
struct SignalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signal",
        abstract: "Posts a signal: whoever waits for it goes on, or the next that will.",
        discussion: """
            Nobody has to be there: what was posted stays until `naru wait`, or a program, takes it. With --json the \
            line is

            {"transport":…,"direction":"signal","posted":…,"pending":…,"seconds":…}
            """)

    @OptionGroup var options: SignalOptions

    func run() async throws {
        try await options.run("posted") { [count = options.count] signal in try signal.post(count) }
    }
}

/// `naru wait`: until a signal was posted.
struct WaitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Waits for a signal, and takes it.",
        discussion: """
            Ends with 0 once it has taken --count of them, with 1 when they don't come in time; what it took before is \
            taken. With --json the line is

            {"transport":…,"direction":"signal","taken":…,"pending":…,"seconds":…}
            """)

    @OptionGroup var options: SignalOptions

    @Option(help: ArgumentHelp("How long to wait.", valueName: "seconds"))
    var wait = 30.0

    func validate() throws {
        guard wait >= 0, wait <= LinkOptions.longestWait else {
            throw ValidationError("--wait must be a number of seconds from 0 to \(Int(LinkOptions.longestWait))")
        }
    }

    func run() async throws {
        try await options.run("taken") { [count = options.count, wait] signal in
            let deadline = Deadline.after(.seconds(wait))
            for _ in 0..<count { try signal.blocking.wait(deadline: deadline) }
        }
    }
}
