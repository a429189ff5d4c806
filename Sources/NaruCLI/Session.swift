// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Logging
import Naru
import NaruSystem

/// One run of `send` or `receive`: Naru, the link's settings, and a thread for the work.
struct Session: Sendable {
    /// The library.
    let naru: Naru
    /// The link's settings with what the command line says over them.
    let settings: LinkSettings
    private let wait: Duration

    /// Reads the configuration.
    /// - Throws: ``NaruError`` for a configuration or a name that makes no sense, a `ValidationError` for options that
    ///   make none.
    init(_ options: LinkOptions, requiring properties: [String] = []) async throws {
        naru = try await Naru(logger: .command(quiet: options.quiet))
        var settings = try naru.settings(for: options.link)
        try options.apply(to: &settings)
        try settings.require(properties, "--type or --priority")
        self.settings = settings
        wait = .seconds(options.wait)
    }

    /// One that waits for no other end.
    init(_ naru: Naru, _ settings: LinkSettings) {
        self.naru = naru
        self.settings = settings
        wait = .zero
    }

    /// Until when to wait for the other end, counted from now.
    var deadline: Deadline { .after(wait) }

    /// Runs `body` on a thread of its own, where it may block on files and on the link, and ends Naru afterwards.
    func run<Value: Sendable>(_ body: @escaping @Sendable (Session) throws -> Value) async throws -> Value {
        let outcome: Result<Value, any Error>
        do {
            outcome = .success(try await onOwnThread { try body(self) })
        } catch {
            outcome = .failure(error)
        }
        await naru.shutdown()
        return try outcome.get()
    }

    private func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            // A thread of this kind takes no signals: a pipe that nobody reads is an error here, not the end.
            let work: @Sendable () -> Void = { continuation.resume(with: Result { try body() }) }
            do throws(SystemError) {
                _ = try SystemThread(name: "naru-transfer", work)
            } catch {
                continuation.resume(throwing: NaruError(error, operation: "start", object: "thread"))
            }
        }
    }
}
