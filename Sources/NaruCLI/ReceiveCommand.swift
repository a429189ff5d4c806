// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import ArgumentParser
import Naru
import NaruSystem

/// `naru receive`: messages into a file or to standard output.
struct ReceiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receive",
        abstract: "Receives messages and writes them to a file, or to standard output.",
        discussion: """
            The messages' bytes are written one behind the other; with --lines, a newline behind each. Either end may \
            start first. The command ends when the sender has finished, or after --count messages; a sender that has \
            more then learns that nobody takes it. A queue (--direction queue), and another program's with --raw, has \
            no end: give --count or --idle.

            A file is cut to nothing when the link is established. When receiving fails, it keeps what had come by then.

            Without --output the data is on standard output, and summary and --json line are on standard error. With \
            --output the last line on standard output is the one that send --json describes.
            """)

    @OptionGroup var options: LinkOptions

    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"))
    var output: String?

    @Option(name: .shortAndLong, help: "End after so many messages.")
    var count: Int?

    @Option(help: ArgumentHelp("End when nothing has come for so long.", valueName: "seconds"))
    var idle: Double?

    @OptionGroup var types: ReceiveSelectionOptions

    @Argument(parsing: .postTerminator, help: Session.programHelp)
    var program: [String] = []

    func validate() throws {
        if let idle, !(0...1e9).contains(idle) { throw ValidationError("--idle must not be negative") }
        if let count, count < 0 { throw ValidationError("--count must not be negative") }
    }

    func run() async throws {
        let report = try await Session(options, requiring: types.required).run { [self] session in
            let file = try OutputFile(output)
            defer { file.close() }
            let child = try session.start(program)
            let receiver = try session.receiver(from: child)
            if types.selection != .all { try receiver.select(types.selection) }
            let start = MonotonicClock.nanoseconds()
            try file.begin()
            var transfer = ReceiveTransfer(
                receiver, file, lines: options.lines,
                progress: ProgressBar(isShown: !options.quiet && output != nil && Console.isErrorTerminal, total: nil))
            try transfer.run(count: count, idle: idle.map { .seconds($0) })
            receiver.close()
            try session.expectSuccess(of: child)
            return TransferReport(receiver.control, sent: false, since: start)
        }
        try report.print(options, dataOnStandardOutput: output == nil)
    }
}
