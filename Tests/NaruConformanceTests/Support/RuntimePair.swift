// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Logging
import NaruConformance
import NaruCore
import NaruSystem
import Testing

/// Two runtimes in one process and a folder of their own.
final class RuntimePair: Sendable {
    let dialer: Runtime
    let listener: Runtime
    let directory: String
    let address = Address.local(name: "core")

    init(
        dialer: [any Transport], listener: [any Transport],
        codecs: (dialer: [any Codec], listener: [any Codec]) = ([], [])
    ) throws {
        let folder = HostInformation.environment("TMPDIR") ?? "/tmp"
        directory = "\(folder)/naru-core-\(String(SystemRandom.word(), radix: 36))"
        try FileSystem.makeDirectory(directory, permissions: 0o700)
        do {
            self.dialer = try Self.runtime(dialer, directory, codecs.dialer)
            self.listener = try Self.runtime(listener, directory, codecs.listener)
        } catch {
            try FileSystem.removeDirectory(directory)
            throw error
        }
    }

    convenience init(_ transports: [any Transport]) throws {
        try self.init(dialer: transports, listener: transports)
    }

    deinit {
        dialer.shutdown()
        listener.shutdown()
        for name in (try? FileSystem.list(directory)) ?? [] { try? FileSystem.remove("\(directory)/\(name)") }
        try? FileSystem.removeDirectory(directory)
    }

    static func runtime(
        _ transports: [any Transport], _ directory: String, _ codecs: [any Codec] = []
    ) throws -> Runtime {
        try Runtime(
            transports: transports, codecs: codecs, directories: RuntimeDirectories([directory]),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// The path of the address's socket.
    var socketPath: String { "\(directory)/\(address.name).sock" }

    /// A simplex link through a listener of its own.
    func connect(_ request: LinkRequest = LinkRequest()) async throws -> (sender: Sender, receiver: Receiver) {
        let listener = try listener.listener(address, request)
        defer { listener.close() }
        return try await connect(to: listener, request)
    }

    /// A simplex link to a listener.
    func connect(
        to listener: Listener, _ request: LinkRequest = LinkRequest()
    ) async throws -> (sender: Sender, receiver: Receiver) {
        let sender = try await dialer.sender(address, request, deadline: .after(.seconds(20)))
        let receiver = try await listener.nextReceiver(deadline: .after(.seconds(20)))
        return (sender, try #require(receiver))
    }
}

/// Sends one message across.
func expectWorks(_ link: (sender: Sender, receiver: Receiver), _ bytes: [UInt8] = [1, 2, 3]) async throws {
    try await link.sender.send(bytes, deadline: .after(.seconds(20)))
    let found = try await link.receiver.receive(deadline: .after(.seconds(20))) { [UInt8](copying: $0.bytes) }
    #expect(found == bytes)
}

/// The error of Naru's that `body` throws; `nil` when it throws none.
func naruError(_ body: () async throws -> Void) async throws -> NaruError? {
    do {
        try await body()
        return nil
    } catch let error as NaruError {
        return error
    }
}

/// Waits for what another thread brings about and nothing announces, letting others run meanwhile; `false` when it does
/// not come.
func eventually(_ condition: () throws -> Bool) async throws -> Bool {
    let deadline = Deadline.after(.seconds(20))
    while try !condition() {
        if deadline.isPast { return false }
        Processor.yield()
        await Task.yield()
    }
    return true
}

extension NaruError {
    /// An error for a double to throw.
    static func test(_ reason: String) -> NaruError {
        NaruError(.resourceExhausted, operation: "open", object: "double", reason: reason, remedy: "none: it is a test")
    }
}
