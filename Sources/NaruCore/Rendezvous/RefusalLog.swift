// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import Logging
internal import NaruSystem
internal import Synchronization

/// Logs refused connections: one line for each reason and second, with a count, so that a peer that sends rubbish
/// cannot fill the log.
final class RefusalLog: Sendable {
    private struct Entry {
        var since: Deadline
        var suppressed = 0
    }

    private let logger: Logger
    private let reactor: Reactor
    private let address: String
    private let entries = Mutex<[NaruError.Code: Entry]>([:])

    init(logger: Logger, reactor: Reactor, address: String) {
        self.logger = logger
        self.reactor = reactor
        self.address = address
    }

    /// Logs the first refusal of its kind at once and counts the others for the rest of the second.
    func refused(_ error: NaruError) {
        let isFirst = entries.withLock { entries in
            guard entries[error.code] == nil else {
                entries[error.code]?.suppressed += 1
                return false
            }
            entries[error.code] = Entry(since: .now)
            return true
        }
        guard isFirst else { return }
        logger.warning(
            "refused a connection: \(error.reason)",
            metadata: ["address": "\(address)", "code": "\(error.code)"])
        _ = reactor.schedule(at: .after(.seconds(1))) { [weak self] in self?.report(error.code) }
    }

    private func report(_ code: NaruError.Code) {
        let suppressed = entries.withLock { $0.removeValue(forKey: code)?.suppressed ?? 0 }
        guard suppressed > 0 else { return }
        logger.warning(
            "refused \(suppressed) more connections in the last second",
            metadata: ["address": "\(address)", "code": "\(code)", "count": "\(suppressed)"])
    }
}
