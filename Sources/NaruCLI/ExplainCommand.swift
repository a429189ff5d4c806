// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import ArgumentParser
import Naru

/// `naru explain`: what would carry a link, and why.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Says which transport would carry a link, and why: a dry run without a peer.",
        discussion: """
            Both ends are taken to be this host and this configuration. Without a link it explains the defaults. Each \
            value is shown with the source that it came from; what an option says comes before every other source.
            """)

    @Argument(help: ArgumentHelp("The link's name, or an address such as local:frames.", valueName: "name-or-address"))
    var link: String?

    @Option(
        help: ArgumentHelp(
            "Where the other end is taken to be: \(words(Locality.self)).",
            discussion: "Without it on this host; for an address of a network on another."), transform: word)
    var locality: Locality?

    @Option(help: ArgumentHelp("The shape of the traffic: \(words(Direction.self))."), transform: word)
    var direction: Direction?

    @Option(help: ArgumentHelp("The size of a message, which costs are compared for.", valueName: "bytes"))
    var size: ByteCount?

    @Option(help: "How many receivers a broadcast has.")
    var readers: Int?

    @Option(
        help: ArgumentHelp(
            "A property that the transport must have; may be given several times.",
            discussion: "Known are \(Property.known.map(\.rawValue).joined(separator: ", ")).", valueName: "property"))
    var require: [String] = []

    @Flag(help: "Print one line of JSON.")
    var json = false

    func validate() throws {
        if let readers, !(1...1_000_000).contains(readers) {
            throw ValidationError("--readers must be from 1 to 1000000")
        }
    }

    func run() async throws {
        let naru = try await Naru(logger: .command(quiet: true))
        let explanation: Explanation
        do {
            var settings = try naru.settings(for: link)
            try apply(to: &settings)
            let assumed: Locality = settings.address?.isRemote == true ? .remote : .sameHost
            explanation = naru.explain(settings, locality: locality ?? assumed)
        } catch {
            await naru.shutdown()
            throw error
        }
        await naru.shutdown()
        try Console.print(json ? explanation.json() : explanation.description)
    }

    /// Puts what the command line says over the link's settings.
    private func apply(to settings: inout LinkSettings) throws {
        if let direction { try settings.override("direction", .text(direction.rawValue), "--direction") }
        if let size {
            try settings.override("messageBytes", .number(size.bytes), "--size")
            if size.bytes > settings.request.requirements.maximumMessageBytes {
                try settings.override("maximumMessageBytes", .number(size.bytes), "--size")
            }
        }
        if !require.isEmpty {
            let before = settings.request.requirements.must.map(\.rawValue)
            let all = before + require.filter { !before.contains($0) }
            try settings.override("require", .list(all), "--require")
        }
        if let readers { settings.request.requirements.receivers = readers }
    }
}

/// A word of a closed set on the command line.
private func word<Word>(_ text: String) throws -> Word
where Word: RawRepresentable<String> & CaseIterable {
    if let word = Word(rawValue: text) { return word }
    throw ValidationError("`\(text)` is none of \(words(Word.self))")
}

/// The words of a closed set: "simplex, duplex".
private func words<Word>(_: Word.Type) -> String
where Word: RawRepresentable<String> & CaseIterable {
    Word.allCases.map(\.rawValue).joined(separator: ", ")
}
