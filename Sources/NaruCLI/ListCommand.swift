// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import ArgumentParser
import Naru

/// `naru list`: every named object of Naru on the host.
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists every named object of Naru on this host: whose it is, and whether anybody uses it.",
        discussion: """
            Listeners' sockets, queues, semaphores, named pipes and files: what has no name goes with its processes. \
            An object is alive while somebody holds its lock, or the process that its name tells of runs; it is dead \
            when that is proved not to be so. A durable object outlives those who use it; a transient one does not.

            With --json the line is {"objects":[{"name":…,"kind":…,"state":"alive|dead|unknown","durable":…,"user":…,\
            "processes":[…],"path":…,"object":…,"created":…,"detail":…,"reason":…},…]}
            """)

    @Flag(help: "Print one line of JSON.")
    var json = false

    func run() async throws {
        let naru = try await Naru(logger: .command(quiet: true))
        let objects = naru.runtime.namedObjects()
        await naru.shutdown()
        if json { return try Console.print(JSON.object([("objects", .array(objects.map(\.json)))]).line) }
        try Console.print(objects.isEmpty ? "Nothing of Naru has a name here." : NamedObject.table(objects))
    }
}

extension NamedObject {
    /// `processes` are those that this one can see.
    var json: JSON {
        var processes: [Int32] = []
        var reason: String?
        switch state {
        case .alive(let found): processes = found
        case .dead(let why), .unknown(let why): reason = why
        }
        return .object([
            ("name", .string(name)), ("kind", .string(kind)), ("state", .string(state.word)),
            ("durable", .bool(isDurable)), ("user", .integer(Int(userID))),
            ("processes", .array(processes.map { .integer(Int($0)) })), ("path", .string(path)),
            ("object", .optional(object)), ("created", .optional(created.map(Int.init))), ("detail", .optional(detail)),
            ("reason", .optional(reason)),
        ])
    }

    /// For a person, with a head.
    static func table(_ objects: [NamedObject]) -> String {
        let head = ["NAME", "KIND", "STATE", "LIFE", "USER", "PROCESSES", "HOLDS", "WHERE"]
        return TextTable(rows: [head] + objects.map(\.row)).lines.joined(separator: "\n")
    }

    private var row: [String] {
        var processes = "-"
        if case .alive(let found) = state, !found.isEmpty { processes = found.map(String.init).joined(separator: ",") }
        var place = path
        if let object { place += " (\(object))" }
        switch state {
        case .alive: break
        case .dead(let why), .unknown(let why): place += ": \(why)"
        }
        return [
            name, kind, state.word, isDurable ? "durable" : "transient", "\(userID)", processes, detail ?? "-", place,
        ]
    }
}
