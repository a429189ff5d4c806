// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Logging

/// What the library logs, as lines of the command on standard error.
struct CommandLog: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        Console.error("\(event.level): \(event.message)")
    }
}

extension Logger {
    /// A logger that shows warnings and errors, or errors alone.
    static func command(quiet: Bool = false) -> Logger {
        Logger(label: "naru") { _ in CommandLog(logLevel: quiet ? .error : .warning) }
    }
}
