// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import ArgumentParser
import Naru

/// `naru doctor`: what this host permits.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Says what this host permits, and what would lift each problem.",
        discussion: "Leaves nothing behind. Exits with 1 only when no link is possible at all.")

    @Flag(help: "Print one line of JSON.")
    var json = false

    func run() async throws {
        let naru = try await Naru(logger: .command())
        let examination = Examination(naru)
        await naru.shutdown()
        try Console.print(json ? examination.json.line : examination.text)
        if !examination.works { throw ExitCode.failure }
    }
}
