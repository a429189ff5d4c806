// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import ArgumentParser
import Naru
import NaruSystem

/// `naru clean`: removes what is proved dead and is one's own.
struct CleanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clean",
        abstract: "Removes the named objects that are dead and one's own; durable ones only with --durable.",
        discussion: """
            What anybody uses, what is another user's and what cannot be proved dead is never removed: `naru list` \
            says which that is, and why. What is durable may hold something (a queue's messages, a signal's posts), \
            which is lost with it. Exits with 1 when something that is to go cannot be removed.

            With --json the line is {"removed":[…],"failed":[…],"kept":[…],"dryRun":…}, with objects as `naru list` \
            prints them.
            """)

    @Flag(help: "Remove durable objects, too.")
    var durable = false

    @Flag(help: "Only say what would be removed.")
    var dryRun = false

    @Flag(help: "Print one line of JSON.")
    var json = false

    func run() async throws {
        let naru = try await Naru(logger: .command(quiet: true))
        let sweep = Sweep(naru.runtime, durable: durable, dryRun: dryRun)
        await naru.shutdown()
        try Console.print(json ? sweep.json.line : sweep.text)
        if !sweep.failures.isEmpty {
            for failure in sweep.failures { Console.error("\(failure.error)") }
            throw ExitCode.failure
        }
    }
}

/// One run of `clean`.
struct Sweep: Sendable {
    /// What was removed, or would be.
    private(set) var removed: [NamedObject] = []
    /// What was to go and could not be removed.
    private(set) var failures: [(object: NamedObject, error: NaruError)] = []
    /// What stays.
    private(set) var kept: [NamedObject] = []
    private let isDryRun: Bool

    /// Looks, and removes unless it is a dry run.
    init(_ runtime: Runtime, durable: Bool, dryRun: Bool) {
        isDryRun = dryRun
        for object in runtime.namedObjects() {
            guard case .dead = object.state, durable || !object.isDurable,
                HostInformation.isOwnUser(object.userID)
            else {
                kept.append(object)
                continue
            }
            do throws(NaruError) {
                // Somebody may have begun to use it.
                let isGone = dryRun ? true : try runtime.remove(object)
                if isGone { removed.append(object) } else { kept.append(object) }
            } catch {
                failures.append((object, error))
            }
        }
    }

    var json: JSON {
        .object([
            ("removed", .array(removed.map(\.json))), ("failed", .array(failures.map(\.object.json))),
            ("kept", .array(kept.map(\.json))), ("dryRun", .bool(isDryRun)),
        ])
    }

    /// For a person.
    var text: String {
        let count = Format.count(UInt64(removed.count), "object")
        var lines = removed.isEmpty ? [] : [NamedObject.table(removed), ""]
        lines.append(isDryRun ? "\(count) would be removed." : "\(count) removed.")
        let waiting = kept.filter { object in
            if case .dead = object.state { object.isDurable } else { false }
        }
        if !waiting.isEmpty {
            let waiting = Format.count(UInt64(waiting.count), "durable object")
            lines.append("\(waiting) kept; --durable removes what is dead.")
        }
        return lines.joined(separator: "\n")
    }
}
