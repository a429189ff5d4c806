// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import ArgumentParser
import Naru
import NaruSystem

/// What `signal` and `wait` have in common.
struct SignalOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("The link's name, or an address such as local:ready.", valueName: "name-or-address"))
    var link: String

    @Option(help: "How many.")
    var count = 1

    @Option(help: ArgumentHelp("The only transport to use; auto permits all.", valueName: "name"))
    var transport: String?

    @Flag(help: "Print the result as a line of JSON.")
    var json = false

    @Flag(name: .shortAndLong, help: "Print no summary.")
    var quiet = false

    func validate() throws {
        do {
            _ = try Address(parsing: link)
        } catch where error.code == .invalidArgument {
            throw ValidationError("\(error.reason)\(error.remedy.map { "; \($0)" } ?? "")")
        } catch {
            // A mechanism that this build does not have is no misuse: it is said when the signal is opened.
        }
        guard (1...SemaphoreTerms.maximumCount).contains(count) else {
            throw ValidationError("--count must be from 1 to \(SemaphoreTerms.maximumCount)")
        }
    }

    /// Opens the link's signal, runs `body` on a thread of its own, and prints what came of it; `verb` is the JSON's
    /// key.
    func run(_ verb: String, _ body: @escaping @Sendable (Signal) throws -> Void) async throws {
        let naru = try await Naru(logger: .command(quiet: quiet))
        var settings = try naru.settings(for: link)
        if let transport { try settings.override("transports", .list([transport]), "--transport") }
        let report = try await Session(naru, settings).run { session in
            let signal = try session.naru.signal(session.settings)
            defer { signal.close() }
            let start = MonotonicClock.nanoseconds()
            try body(signal)
            return SignalReport(
                verb: verb, transport: signal.decision.chosen?.transport.rawValue ?? "",
                reason: signal.decision.chosen?.reason ?? "", count: count, pending: try signal.pending(),
                seconds: Double(MonotonicClock.nanoseconds() - start) / 1e9)
        }
        if json { return try Console.print(report.json.line) }
        if !quiet { try Console.print(report.summary) }
    }
}

/// What came of a `signal` or a `wait`.
struct SignalReport: Sendable {
    /// `posted` or `taken`.
    var verb: String
    var transport: String
    /// Why this transport, in brief.
    var reason: String
    var count: Int
    /// How many are posted and not taken.
    var pending: Int
    var seconds: Double

    /// `{"transport":"semaphore","direction":"signal","posted":1,"pending":1,"seconds":0.00001}`.
    var json: JSON {
        .object([
            ("transport", .string(transport)), ("direction", .string(Direction.signal.rawValue)),
            (verb, .integer(count)), ("pending", .integer(pending)),
            ("seconds", .number((seconds * 1e6).rounded() / 1e6)),
        ])
    }

    /// One line for a person.
    var summary: String {
        "\(verb) \(Format.count(UInt64(count), "signal")), \(pending) pending, by \(transport): \(reason)"
    }
}
