// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import ArgumentParser
import Naru

/// What `send` and `receive` have in common.
struct LinkOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("The link's name, or an address such as local:frames.", valueName: "name-or-address"))
    var link: String

    @Option(
        help: ArgumentHelp(
            "The size of a message: where send cuts a file, and what costs are compared for.",
            discussion: "Bytes, or a number with KiB, MiB or GiB. Above 64MiB both ends need it.", valueName: "bytes"))
    var messageSize: ByteCount?

    @Flag(help: "A message is a line: send takes the newline off, receive puts one behind each message.")
    var lines = false

    @Option(help: ArgumentHelp("The only transport to use; auto permits all.", valueName: "name"))
    var transport: String?

    @Option(help: ArgumentHelp("simplex, or queue: each message goes to one of many receivers.", valueName: "word"))
    var direction: String?

    @Flag(
        help: """
            The other end is any program: bytes travel as they are, or lines with --lines. For fifo:, posix-queue: and \
            sysv-queue:.
            """)
    var raw = false

    @Option(help: ArgumentHelp("auto, off, zstd or zstd:LEVEL; zstd:per-message for no history.", valueName: "mode"))
    var compression: String?

    @Option(help: ArgumentHelp("How long to wait for the other end.", valueName: "seconds"))
    var wait = 30.0

    @Flag(help: "Print the result as a line of JSON.")
    var json = false

    @Flag(name: .shortAndLong, help: "Print neither summary nor progress.")
    var quiet = false

    /// The size of a message where nobody asks for one: 64 KiB.
    static let defaultMessageBytes = 65_536
    /// The longest wait in seconds: about 30 years.
    static let longestWait = 1e9

    func validate() throws {
        do {
            _ = try Address(parsing: link)
        } catch where error.code == .invalidArgument {
            throw ValidationError("\(error.reason)\(error.remedy.map { "; \($0)" } ?? "")")
        } catch {
            // A mechanism that this build does not have is no misuse: it is said when the link is made.
        }
        guard wait >= 0, wait <= Self.longestWait else {
            throw ValidationError("--wait must be a number of seconds from 0 to \(Int(Self.longestWait))")
        }
    }

    /// The bytes of a record that `send` cuts from a file.
    var recordBytes: Int { messageSize?.bytes ?? Self.defaultMessageBytes }

    /// Puts what the command line says over a link's settings.
    func apply(to settings: inout LinkSettings) throws {
        settings.request.isRaw = raw
        settings.request.rawFraming = lines ? .lines : .bytes
        if let transport { try settings.override("transports", .list([transport]), "--transport") }
        if let direction {
            guard direction == "simplex" || direction == "queue" else {
                throw ValidationError("--direction: `\(direction)` is none of simplex, queue")
            }
            try settings.override("direction", .text(direction), "--direction")
        }
        if let compression { try settings.override("compression", .text(compression), "--compression") }
        if let messageSize {
            try settings.override("messageBytes", .number(messageSize.bytes), "--message-size")
            if messageSize.bytes > settings.request.requirements.maximumMessageBytes {
                try settings.override("maximumMessageBytes", .number(messageSize.bytes), "--message-size")
            }
        } else if !lines, settings.sources["messageBytes"]?.source == SourcedValue.defaultSource {
            settings.request.requirements.messageBytes = Self.defaultMessageBytes
        }
    }
}

extension LinkSettings {
    /// Sets a key from an option of the command line; a value that makes no sense is misuse.
    mutating func override(_ key: String, _ value: SettingValue, _ option: String) throws {
        let before = warnings.count
        do {
            try set(key, to: value, source: option)
        } catch {
            let remedy = error.remedy.map { "; \($0)" } ?? ""
            throw ValidationError("\(option): \(error.reason)\(remedy)")
        }
        for warning in warnings.dropFirst(before) { Console.error("warning: \(warning)") }
    }
}
