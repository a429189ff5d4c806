// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import ArgumentParser
import Naru
import NaruSystem

/// `naru send`: a file or standard input as messages.
struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Sends a file, or standard input, as messages.",
        discussion: """
            The file is cut into messages of --message-size (default 64KiB), or at its newlines with --lines. An empty \
            file is no message. Either end may start first. The command ends when the receiver has taken everything; \
            on a queue (--direction queue), and with --raw, when everything is in it.

            With --json the last line on standard output is
            {"transport":…,"locality":…,"direction":…,"messages":…,"bytes":…,"wireBytes":…,"seconds":…,"codec":…}

            where the seconds count from the moment the link is established.
            """)

    @OptionGroup var options: LinkOptions
    @OptionGroup var labels: SendLabelOptions

    @Argument(help: "The file; - is standard input.")
    var file = "-"

    @Argument(parsing: .postTerminator, help: Session.programHelp)
    var program: [String] = []

    func run() async throws {
        let report = try await Session(options, requiring: labels.required).run { [self] session in
            let input = try InputFile(file)
            defer { input.close() }
            let child = try session.start(program)
            let sender = try session.sender(to: child)
            if labels.label != MessageLabel() { try sender.setLabel(labels.label) }
            let start = MonotonicClock.nanoseconds()
            let recordBytes = session.recordBytes(options)
            var transfer = SendTransfer(
                sender, input, lendsInPlace: session.lendsInPlace(sender.control.agreement, recordBytes),
                progress: ProgressBar(isShown: !options.quiet && Console.isErrorTerminal, total: input.byteCount))
            try transfer.run(lines: options.lines, recordBytes: recordBytes)
            try session.expectSuccess(of: child)
            return TransferReport(sender.control, sent: true, since: start)
        }
        try report.print(options, dataOnStandardOutput: false)
    }
}

extension Session {
    /// The bytes of a record; another program's queue takes no larger ones than its transport.
    func recordBytes(_ options: LinkOptions) -> Int {
        guard options.messageSize == nil, case .medium(let transport, _) = settings.address,
            let limit = naru.runtime.records.first(where: { $0.transport == transport })?.maximumRecordBytes
        else { return options.recordBytes }
        return min(options.recordBytes, limit)
    }

    /// Whether a message of this size can be read from a file straight into the lane.
    func lendsInPlace(_ agreement: Agreement, _ byteCount: Int) -> Bool {
        guard agreement.forward.first?.codec == nil,
            let record = naru.runtime.records.first(where: { $0.transport == agreement.transport })
        else { return false }
        return record.loans == .inPlace && byteCount <= record.maximumRecordBytes ?? .max
    }
}
